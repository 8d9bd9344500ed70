import { protectionText } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { ARENA_A, ARENA_END, PAGE } from './machine.js';

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const MASK = (1n << 64n) - 1n;

/** What WORKLOADS.md calls `layout`: FNV-1a over the text of the VMAs in the arenas, and how many there are. */
export interface Layout {
  readonly hash: string;
  readonly vmas: number;
  /** VMAs of the whole process. */
  readonly allVmas: number;
}

/** The layout of an address space now. */
export function layoutOf(mm: Mm): Layout {
  let hash = OFFSET;
  let vmas = 0;
  for (const vma of mm.tree) {
    const start = vma.start * PAGE;
    const end = vma.end * PAGE;
    if (start < ARENA_A || end > ARENA_END) continue;
    vmas++;
    const line = `${start.toString(16)}-${end.toString(16)} ${protectionText(vma.flags).slice(0, 3)}\n`;
    for (let i = 0; i < line.length; i++) hash = ((hash ^ BigInt(line.charCodeAt(i))) * PRIME) & MASK;
  }
  return { hash: hash.toString(16).padStart(16, '0'), vmas, allVmas: mm.tree.count };
}
