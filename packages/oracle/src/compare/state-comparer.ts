import { VM_MAYSHARE, VM_SOFTDIRTY, type VmFlags, highBits, protectionText } from '@vmakit/base';
import { PG_ANON, PG_HEAD, PG_KSM, PG_TAIL, type PhysicalMemory } from '@vmakit/folio';
import type { Mm } from '@vmakit/mm';
import { type Arch, EntryKind, type EntryWords, MARKER_GUARD, MARKER_UFFD_WP } from '@vmakit/pagetable';
import type { ScenarioMachine } from '@vmakit/verify';
import type { Vma } from '@vmakit/vma-merge';
import type { RecordReader } from '../driver/record-reader.js';
import * as protocol from '../driver/protocol.js';
import { flagsText } from '../state/flags-text.js';
import { FramePairs } from '../state/frame-pairs.js';
import { LivePages } from './live-pages.js';

/** The first thing in which the live kernel and the model disagree. Pages are relative to the window. */
export interface Mismatch {
  /** What it is: `result`, `mapping.flags`, `page.frame`... */
  readonly field: string;
  readonly process: number;
  /** null: it is not about one page or mapping. */
  readonly page: number | null;
  readonly live: string;
  readonly model: string;
}

/** Bits of /proc/kpageflags that the model knows too. */
const KPF_COMPOUND_HEAD = 1 << 15;
const KPF_COMPOUND_TAIL = 1 << 16;
const KPF_ANON = 1 << 12;
const KPF_KSM = 1 << 21;
const KPF_KNOWN = KPF_COMPOUND_HEAD | KPF_COMPOUND_TAIL | KPF_ANON | KPF_KSM;

/** Flags that smaps never shows: the protection key has a line of its own. */
const HIDDEN_HIGH_BITS = 0b11111;

/** What the comparison needs to know of the live side. */
export interface LiveSide {
  /** Frame of the zero page; 0: frames are hidden. */
  readonly zeroFrame: number;
}

/**
 * Compares what the live kernel reported of a process with the model's address space, and keeps book, over a whole
 * program, of which frame and file of the one is which of the other.
 */
export class StateComparer {
  readonly #arch: Arch;
  readonly #memory: PhysicalMemory;
  readonly #origin: number;
  readonly #end: number;
  readonly #pagesOutside: number;
  readonly #zeroFrame: number;
  readonly #pairs = new FramePairs();
  readonly #fileOfInode: Map<number, number> = new Map();
  readonly #inodeOfFile: Map<number, number> = new Map();
  readonly #pages = new LivePages();
  #mismatch: Mismatch | null = null;
  #process = 0;
  #counts = false;

  constructor(machine: ScenarioMachine, live: LiveSide) {
    const { arch, memory } = machine.kernel.env;
    this.#arch = arch;
    this.#memory = memory;
    this.#origin = machine.arena.start;
    this.#end = machine.arena.end;
    this.#pagesOutside = machine.pagesOutside;
    this.#zeroFrame = live.zeroFrame;
  }

  /** Compares the process state at which `reader` stands. */
  compare(reader: RecordReader, mm: Mm): Mismatch | null {
    this.#mismatch = null;
    this.#process = reader.process;
    this.#counts = (reader.want & protocol.WANT_COUNTS) !== 0;
    if (this.#compareMappings(reader, mm) && this.#comparePages(reader, mm)) this.#compareTotals(reader, mm);
    return this.#mismatch;
  }

  #differ(field: string, page: number | null, live: string | number, model: string | number): false {
    this.#mismatch = { field, process: this.#process, page, live: String(live), model: String(model) };
    return false;
  }

  #compareTotals(reader: RecordReader, mm: Mm): boolean {
    const total = mm.totalVm - this.#pagesOutside;
    if (reader.total !== total) return this.#differ('total', null, reader.total, total);
    const data = mm.dataVm + mm.stackVm;
    if (reader.data !== data) return this.#differ('data', null, reader.data, data);
    if ((reader.want & protocol.WANT_LOCKED) === 0 || reader.locked === mm.lockedVm) return true;
    return this.#differ('locked', null, reader.locked, mm.lockedVm);
  }

  #compareMappings(reader: RecordReader, mm: Mm): boolean {
    const withFlags = (reader.want & protocol.WANT_FLAGS) !== 0;
    const { words } = reader;
    let vma = mm.tree.find(this.#origin);
    let at = reader.mappingsAt;
    for (let i = 0; i < reader.mappings; i++, at += protocol.MAPPING_WORDS) {
      const start = (words[at] ?? 0) | 0;
      if (vma === null || vma.start >= this.#end || start !== this.#startOf(vma)) {
        return this.#differRange(words, at, vma);
      }
      if (((words[at + 1] ?? 0) | 0) !== this.#endOf(vma)) return this.#differRange(words, at, vma);
      if (!this.#compareMapping(words, at, vma, withFlags)) return false;
      vma = vma.next;
    }
    if (vma === null || vma.start >= this.#end) return true;
    return this.#differRange(words, -1, vma);
  }

  /** What reaches out of the window counts as far as it is inside. */
  #startOf(vma: Vma): number {
    return Math.max(0, vma.start - this.#origin);
  }

  #endOf(vma: Vma): number {
    return Math.min(vma.end, this.#end) - this.#origin;
  }

  #compareMapping(words: Uint32Array, at: number, vma: Vma, withFlags: boolean): boolean {
    const page = this.#startOf(vma);
    const prot = words[at + 2] ?? 0;
    if (prot !== protectionWord(vma.flags)) {
      return this.#differ('mapping.prot', page, protectionOf(prot), protectionText(vma.flags));
    }
    const inode = words[at + 3] ?? 0;
    if (!this.#sameFile(inode, vma.file?.id ?? 0)) {
      return this.#differ('mapping.file', page, inode === 0 ? 'none' : `inode ${inode}`, vma.file?.name ?? 'none');
    }
    if (inode !== 0 && words[at + 4] !== vma.pageOffset) {
      return this.#differ('mapping.offset', page, words[at + 4] ?? 0, vma.pageOffset);
    }
    if (!withFlags) return true;
    const low = words[at + 5] ?? 0;
    const high = words[at + 6] ?? 0;
    if (low === vma.flags % 2 ** 32 && high === (highBits(vma.flags) & ~HIDDEN_HIGH_BITS)) return true;
    return this.#differ('mapping.flags', page, flagsText(high * 2 ** 32 + low), flagsText(vma.flags));
  }

  #differRange(words: Uint32Array, at: number, vma: Vma | null): false {
    const start = at < 0 ? 0 : (words[at] ?? 0) | 0;
    const live = at < 0 ? 'no more' : `[${start}, ${(words[at + 1] ?? 0) | 0}) ${protectionOf(words[at + 2] ?? 0)}`;
    const model =
      vma === null ? 'no more' : `[${this.#startOf(vma)}, ${this.#endOf(vma)}) ${protectionText(vma.flags)}`;
    return this.#differ('mapping.range', at < 0 && vma !== null ? this.#startOf(vma) : start, live, model);
  }

  #sameFile(inode: number, file: number): boolean {
    if (inode === 0 || file === 0) return inode === file;
    const known = this.#fileOfInode.get(inode);
    if (known !== undefined) return known === file;
    if (this.#inodeOfFile.has(file)) return false;
    this.#fileOfInode.set(inode, file);
    this.#inodeOfFile.set(file, inode);
    return true;
  }

  #comparePages(reader: RecordReader, mm: Mm): boolean {
    this.#pages.open(reader);
    for (let vma = mm.tree.find(this.#origin); vma !== null && vma.start < this.#end; vma = vma.next) {
      if (!this.#comparePagesOf(vma, mm)) return false;
    }
    if (this.#pages.page < 0) return true;
    return this.#differ('page', this.#pages.page, this.#pages.describe(), 'no page');
  }

  /** Goes through the tables as far as there are any. */
  #comparePagesOf(vma: Vma, mm: Mm): boolean {
    const { pages } = mm;
    const { pmdPages } = this.#arch;
    const last = Math.min(vma.end, this.#end);
    for (let page = Math.max(vma.start, this.#origin); page < last;) {
      const pmdStart = page - (page % pmdPages);
      const end = Math.min(last, pmdStart + pmdPages);
      const table = pages.lookup(0, page);
      if (table !== 0) {
        const words = pages.pool.words(table);
        const first = pages.entryAt(table, 0, page);
        for (let i = page; i < end; i++) {
          const at = first + 2 * (i - page);
          if (!this.#arch.isNone(words, at) && !this.#comparePage(vma, i, words, at, 0, 0)) return false;
        }
      } else {
        const pmdTable = pages.lookup(1, page);
        const words = pmdTable === 0 ? null : pages.pool.words(pmdTable);
        const at = pmdTable === 0 ? 0 : pages.entryAt(pmdTable, 1, page);
        if (words !== null && !this.#arch.isNone(words, at)) {
          for (let i = page; i < end; i++) {
            if (!this.#comparePage(vma, i, words, at, 1, i - pmdStart)) return false;
          }
        }
      }
      page = end;
    }
    return true;
  }

  /** One page whose entry in the model is not empty; `offset`: its place in a huge entry. */
  #comparePage(vma: Vma, page: number, words: EntryWords, at: number, level: number, offset: number): boolean {
    const live = this.#pages;
    const relative = page - this.#origin;
    if (live.page !== relative) {
      const model = this.#describe(words, at, level);
      if (live.page < 0 || live.page > relative) return this.#differ('page', relative, 'no page', model);
      return this.#differ('page', live.page, live.describe(), 'no page');
    }
    const bits = live.bits & ~(protocol.ENTRY_CONTENT | (0xff << protocol.ENTRY_CONTENT_SHIFT));
    const expected = this.#expectedBits(vma, words, at, level, offset);
    if (bits !== expected) return this.#differ('page.bits', relative, bitsText(bits), bitsText(expected));
    if ((bits & protocol.ENTRY_PRESENT) !== 0 && !this.#compareFrame(relative, words, at, level, offset)) return false;
    live.advance();
    return true;
  }

  #expectedBits(vma: Vma, words: EntryWords, at: number, level: number, offset: number): number {
    const arch = this.#arch;
    const kind = arch.kindOf(words, at, level);
    let bits = arch.isSoftDirty(words, at) || (vma.flags & VM_SOFTDIRTY) !== 0 ? protocol.ENTRY_SOFT_DIRTY : 0;
    if (kind === EntryKind.Marker) {
      const marker = arch.markerBits(words, at);
      if ((marker & MARKER_GUARD) !== 0) bits |= protocol.ENTRY_GUARD;
      if ((marker & MARKER_UFFD_WP) !== 0) bits |= protocol.ENTRY_UFFD_WP;
      return bits | protocol.ENTRY_SWAP;
    }
    if (arch.isUffdWp(words, at)) bits |= protocol.ENTRY_UFFD_WP;
    if (kind !== EntryKind.Page) return bits | protocol.ENTRY_SWAP;
    bits |= protocol.ENTRY_PRESENT;
    const memory = this.#memory;
    const frame = arch.pfn(words, at, level) + offset;
    // Whether a huge zero page counts as a file's is an accident of how pagemap looks at it: whatever it says is right.
    if (this.#isZero(frame)) return level === 0 ? bits : bits | (this.#pages.bits & protocol.ENTRY_FILE);
    if (((memory.flags[memory.headOf(frame)] ?? 0) & (PG_ANON | PG_KSM)) === 0) bits |= protocol.ENTRY_FILE;
    // For all pages of a huge entry pagemap says what holds for the first that is read: whatever it says is right.
    if (level > 0) return bits | (this.#pages.bits & protocol.ENTRY_EXCLUSIVE);
    return memory.pageMapcount(frame) === 1 ? bits | protocol.ENTRY_EXCLUSIVE : bits;
  }

  #isZero(frame: number): boolean {
    const { zeroFrame, hugeZeroFrame } = this.#memory;
    return (
      frame === zeroFrame ||
      (hugeZeroFrame >= 0 && frame >= hugeZeroFrame && frame < hugeZeroFrame + this.#arch.pmdPages)
    );
  }

  #compareFrame(page: number, words: EntryWords, at: number, level: number, offset: number): boolean {
    const live = this.#pages;
    const memory = this.#memory;
    const frame = this.#arch.pfn(words, at, level) + offset;
    const isSmallZero = frame === memory.zeroFrame;
    if (this.#zeroFrame !== 0 && isSmallZero !== (live.frame === this.#zeroFrame)) {
      return this.#differ('page.zero', page, live.describe(), this.#describe(words, at, level));
    }
    if (this.#zeroFrame !== 0 && !isSmallZero && !this.#pairs.matches(frame, live.frame, memory)) {
      return this.#differ('page.frame', page, 'another page than before', `frame ${frame}`);
    }
    const content = this.#isZero(frame) ? 0 : (memory.content[frame] ?? 0);
    if (live.content >= 0 && live.content !== content) return this.#differ('page.content', page, live.content, content);
    if (!this.#counts || this.#isZero(frame) || live.frame === 0) return true;
    const mapcount = memory.pageMapcount(frame);
    if (live.mapcount !== mapcount) return this.#differ('page.mapcount', page, live.mapcount, mapcount);
    const flags = frameFlags(memory, frame);
    if ((live.frameFlags & KPF_KNOWN) === flags) return true;
    return this.#differ('page.flags', page, frameFlagsText(live.frameFlags & KPF_KNOWN), frameFlagsText(flags));
  }

  #describe(words: EntryWords, at: number, level: number): string {
    const kind = this.#arch.kindOf(words, at, level);
    if (kind !== EntryKind.Page) return kind === EntryKind.Swap ? 'a swap entry' : `an entry of kind ${kind}`;
    const frame = this.#arch.pfn(words, at, level);
    if (frame === this.#memory.zeroFrame) return 'the zero page';
    return this.#isZero(frame) ? 'the huge zero page' : `frame ${frame}`;
  }
}

function protectionWord(flags: VmFlags): number {
  return (flags & 7) | (flags & VM_MAYSHARE ? 8 : 0);
}

function protectionOf(word: number): string {
  return (word & 1 ? 'r' : '-') + (word & 2 ? 'w' : '-') + (word & 4 ? 'x' : '-') + (word & 8 ? 's' : 'p');
}

const BIT_NAMES: readonly (readonly [number, string])[] = [
  [protocol.ENTRY_PRESENT, 'present'],
  [protocol.ENTRY_SWAP, 'swap'],
  [protocol.ENTRY_FILE, 'file'],
  [protocol.ENTRY_EXCLUSIVE, 'mapped once'],
  [protocol.ENTRY_SOFT_DIRTY, 'soft-dirty'],
  [protocol.ENTRY_UFFD_WP, 'uffd-wp'],
  [protocol.ENTRY_GUARD, 'guard'],
];

function bitsText(bits: number): string {
  return (
    BIT_NAMES.filter(([bit]) => (bits & bit) !== 0)
      .map(([, name]) => name)
      .join(', ') || 'nothing'
  );
}

function frameFlags(memory: PhysicalMemory, frame: number): number {
  const own = memory.flags[frame] ?? 0;
  const head = memory.flags[memory.headOf(frame)] ?? 0;
  let flags = (head & PG_ANON) !== 0 || (head & PG_KSM) !== 0 ? KPF_ANON : 0;
  if ((head & PG_KSM) !== 0) flags |= KPF_KSM;
  if ((own & PG_HEAD) !== 0) flags |= KPF_COMPOUND_HEAD;
  return (own & PG_TAIL) !== 0 ? flags | KPF_COMPOUND_TAIL : flags;
}

function frameFlagsText(flags: number): string {
  const names = [
    flags & KPF_ANON ? 'anonymous' : 'file',
    flags & KPF_KSM ? 'KSM' : '',
    flags & KPF_COMPOUND_HEAD ? 'head of a large folio' : '',
    flags & KPF_COMPOUND_TAIL ? 'inside a large folio' : '',
  ];
  return names.filter((name) => name !== '').join(', ');
}
