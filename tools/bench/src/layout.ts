import { protectionText } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { ARENA_A, ARENA_END, PAGE } from './machine.js';

/** What WORKLOADS.md calls `layout`: FNV-1a over the text of the VMAs in the arenas, and how many there are. */
export interface Layout {
  readonly hash: string;
  readonly vmas: number;
  /** VMAs of the whole process. */
  readonly allVmas: number;
}

/** The layout of an address space now. */
export function layoutOf(mm: Mm): Layout {
  const hash = new Fnv1a();
  let vmas = 0;
  for (const vma of mm.tree) {
    const start = vma.start * PAGE;
    const end = vma.end * PAGE;
    if (start < ARENA_A || end > ARENA_END) continue;
    vmas++;
    hash.add(`${start.toString(16)}-${end.toString(16)} ${protectionText(vma.flags).slice(0, 3)}\n`);
  }
  return { hash: hash.text, vmas, allVmas: mm.tree.count };
}

const HIGH_BASIS = 0xcbf29ce4;
const LOW_BASIS = 0x84222325;
/** The prime is 2^40 and this. */
const LOW_PRIME = 0x1b3;

/**
 * FNV-1a with 64 bits, as two halves: big integers would leave 4 KiB of garbage a VMA, right before what is timed next.
 */
class Fnv1a {
  #high = HIGH_BASIS;
  #low = LOW_BASIS;

  add(text: string): void {
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < text.length; i++) {
      const mixed = (low ^ text.charCodeAt(i)) >>> 0;
      const product = mixed * LOW_PRIME;
      low = product >>> 0;
      high = (Math.imul(high, LOW_PRIME) + Math.floor(product / 2 ** 32) + (mixed << 8)) >>> 0;
    }
    this.#high = high;
    this.#low = low;
  }

  /** 16 digits. */
  get text(): string {
    return hex(this.#high) + hex(this.#low);
  }
}

const hex = (half: number): string => half.toString(16).padStart(8, '0');
