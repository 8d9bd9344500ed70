import { VM_SHARED } from '@vmakit/base';
import { PG_KSM, type PhysicalMemory } from '@vmakit/folio';
import type { Mm } from '@vmakit/mm';
import { EntryKind, type EntryWords, MARKER_GUARD, MARKER_POISONED } from '@vmakit/pagetable';
import { type Vma, pageOffsetAt } from '@vmakit/vma-merge';
import { walkEntries } from './entry-walk.js';

/** What a program finds at a page where no byte can be read. */
export const GUARDED = -1;
export const POISONED = -2;
/** No entry: a page of zeroes, or of the file behind the mapping. */
const ABSENT = -3;

/** What an entry stands for, apart from where it is mapped. */
export interface PageIdentity {
  /** The frame of a present or migrating page, the swap slot (negative) of one that is not, 0 of a marker. */
  readonly place: number;
  /** First byte of the page, or `GUARDED`, `POISONED`. */
  readonly content: number;
  /** Merged by KSM. */
  readonly isMerged: boolean;
}

/** A mapping as it was when a {@link MemoryImage} was taken. Pages. */
export interface MappingImage {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly pageOffset: number;
  readonly isFaulted: boolean;
  readonly isAnonymous: boolean;
}

/** What a range of an address space held at a moment: its mappings, and what each entry stood for. */
export class MemoryImage {
  readonly mappings: MappingImage[] = [];
  readonly entries: Map<number, PageIdentity> = new Map();

  constructor(mm: Mm, start: number, end: number) {
    for (let vma = mm.tree.firstOverlap(start, end); vma !== null && vma.start < end; vma = vma.next) {
      this.mappings.push({
        start: Math.max(vma.start, start),
        end: Math.min(vma.end, end),
        flags: vma.flags,
        pageOffset: pageOffsetAt(vma, Math.max(vma.start, start)),
        isFaulted: vma.faulted,
        isAnonymous: vma.file === null,
      });
    }
    const last = this.mappings.at(-1);
    if (last === undefined) return;
    walkEntries(mm.pages, start, last.end, (level, first, words, at) => {
      // A huge entry may reach over the ends.
      const from = Math.max(first, start);
      const to = Math.min(level === 0 ? first + 1 : first + mm.env.arch.level(level).span, last.end);
      for (let page = from; page < to; page++) this.entries.set(page, identityOf(mm, level, words, at, page - first));
    });
  }
}

/** What stands at `page` now: of an entry, or `undefined` when there is none. */
export function identityAt(mm: Mm, page: number): PageIdentity | undefined {
  let found: PageIdentity | undefined;
  walkEntries(mm.pages, page, page + 1, (level, first, words, at) => {
    found = identityOf(mm, level, words, at, page - first);
  });
  return found;
}

function identityOf(mm: Mm, level: number, words: EntryWords, at: number, index: number): PageIdentity {
  const { arch, memory, swap } = mm.env;
  switch (arch.kindOf(words, at, level)) {
    case EntryKind.Page:
      return ofFrame(memory, arch.pfn(words, at, level) + index);
    case EntryKind.Swap: {
      const slot = arch.swapOffset(words, at);
      const cached = swap.cache[slot] as number;
      const content = (cached === 0 ? swap.content[slot] : memory.content[cached]) as number;
      return { place: -slot, content, isMerged: false };
    }
    case EntryKind.Migration:
      return ofFrame(memory, arch.migrationPfn(words, at) + index);
    default:
      return { place: 0, content: markerContent(arch.markerBits(words, at)), isMerged: false };
  }
}

function ofFrame(memory: PhysicalMemory, frame: number): PageIdentity {
  const isMerged = ((memory.flags[memory.headOf(frame)] as number) & PG_KSM) !== 0;
  return { place: frame, content: memory.content[frame] as number, isMerged };
}

function markerContent(bits: number): number {
  if ((bits & MARKER_GUARD) !== 0) return GUARDED;
  return (bits & MARKER_POISONED) !== 0 ? POISONED : ABSENT;
}

/**
 * The first byte that a program would find at a page of `vma`, whatever the entry: `GUARDED` or `POISONED` when it
 * would get a signal. Pages of files that were swapped out read as 0.
 */
export function contentAt(mm: Mm, vma: Vma, page: number): number {
  const identity = identityAt(mm, page);
  if (identity !== undefined && identity.content !== ABSENT) return identity.content;
  const { file } = vma;
  if (file === null || (file.isAnonymousWhenPrivate && (vma.flags & VM_SHARED) === 0)) return 0;
  const frame = file.cached(pageOffsetAt(vma, page));
  return frame < 0 ? 0 : (mm.env.memory.content[frame] ?? 0);
}
