import {
  VM_ACCESS,
  VM_HUGETLB,
  VM_MAYBE_GUARD,
  VM_SHARED,
  VM_UFFD_WP,
  VM_WRITE,
  VM_PKEY_SHIFT,
  type VmFlags,
} from '@vmakit/base';
import { PG_ANON, PG_HEAD, PG_KSM, type PhysicalMemory } from '@vmakit/folio';
import type { Mm } from '@vmakit/mm';
import {
  type Arch,
  EntryKind,
  type EntryWords,
  MARKER_GUARD,
  MARKER_UFFD_WP,
  PROT_KEY_SHIFT,
  type PageProtection,
} from '@vmakit/pagetable';
import { isAnonExclusive } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import { walkEntries } from '../entry-walk.js';
import type { ViolationList } from '../violation.js';
import type { Census } from './census.js';
import { checkContiguous } from './contiguous.js';
import { checkReverseMapping } from './reverse-mapping.js';
import { roundTrips } from './round-trip.js';
import type { Subject } from './subject.js';
import { checkTableCounts } from './tables.js';

/** Walks every entry of every address space once: checks each, and counts what the stored counters must agree with. */
export function checkEntries(subject: Subject): void {
  for (const mm of subject.mms) new EntryCheck(mm, subject).run();
}

/** Resident pages of one address space, counted. */
interface Resident {
  anon: number;
  file: number;
  shmem: number;
  swap: number;
}

/** Access and protection key of a mapping. */
function protectionOf(flags: VmFlags): PageProtection {
  const key = Math.floor(flags / 2 ** VM_PKEY_SHIFT) & 15;
  return (flags & VM_ACCESS) | (key << PROT_KEY_SHIFT);
}

class EntryCheck {
  readonly #mm: Mm;
  readonly #arch: Arch;
  readonly #memory: PhysicalMemory;
  readonly #census: Census;
  readonly #violations: ViolationList;
  readonly #resident: Resident = { anon: 0, file: 0, shmem: 0, swap: 0 };
  /** The first mapping that ends above the page being looked at. */
  #vma: Vma | null;

  constructor(mm: Mm, subject: Subject) {
    this.#mm = mm;
    this.#arch = mm.env.arch;
    this.#memory = mm.env.memory;
    this.#census = subject.census;
    this.#violations = subject.violations;
    this.#vma = mm.tree.first;
  }

  run(): void {
    const mm = this.#mm;
    const top = this.#arch.level(this.#arch.topLevel).tableSpan;
    checkTableCounts(mm, this.#violations, (onTable) => {
      walkEntries(mm.pages, 0, top, (level, page, words, at) => this.#entry(level, page, words, at), onTable);
    });
    const { anon, file, shmem, swap } = this.#resident;
    if (mm.rssAnon !== anon || mm.rssFile !== file || mm.rssShmem !== shmem || mm.swapEntries !== swap) {
      this.#violations.add('S5.2', 'the resident and swap counters are what the tables hold', {
        mm: mm.id,
        stored: `anon ${mm.rssAnon}, file ${mm.rssFile}, shmem ${mm.rssShmem}, swap ${mm.swapEntries}`,
        counted: `anon ${anon}, file ${file}, shmem ${shmem}, swap ${swap}`,
      });
    }
  }

  #entry(level: number, page: number, words: EntryWords, at: number): void {
    let vma = this.#vma;
    while (vma !== null && vma.end <= page) vma = vma.next;
    this.#vma = vma;
    const kind = this.#arch.kindOf(words, at, level);
    if (vma === null || vma.start > page) {
      this.#complain('S5.1', 'an entry lies in a mapping', page, { level });
      if (kind === EntryKind.Page) this.#countMapped(level, words, at);
      return;
    }
    if (!roundTrips(this.#arch, words, at, level, protectionOf(vma.flags))) {
      this.#complain('S5.5', 'an entry is encoded as what it says encodes', page, { level });
    }
    if (level > 0 && (vma.start > page || vma.end < page + this.#arch.level(level).span)) {
      this.#complain('S5.3', 'a huge entry lies in one mapping', page, { start: vma.start, end: vma.end });
    }
    if ((vma.flags & VM_UFFD_WP) === 0 && this.#arch.isUffdWp(words, at)) {
      this.#complain('S5.9', 'userfaultfd marks are only in mappings registered for them', page, {});
    }
    if (kind === EntryKind.Page) this.#present(vma, level, page, words, at);
    else this.#absent(vma, kind, page, words, at);
  }

  #complain(invariant: string, what: string, page: number, objects: Readonly<Record<string, number | string>>): void {
    this.#violations.add(invariant, what, { mm: this.#mm.id, page, ...objects });
  }

  /** Counts a mapping, unless it is of a zero page; gives the head of the folio, or -1. */
  #countMapped(level: number, words: EntryWords, at: number): number {
    const memory = this.#memory;
    const frame = this.#arch.pfn(words, at, level);
    const huge = memory.hugeZeroFrame;
    if (frame === memory.zeroFrame || (huge >= 0 && frame >= huge && frame < huge + this.#arch.pmdPages)) return -1;
    const head = memory.headOf(frame);
    const large = ((memory.flags[head] as number) & PG_HEAD) !== 0;
    this.#census.count(this.#mm.id, head, frame, level > 0, large);
    return head;
  }

  #present(vma: Vma, level: number, page: number, words: EntryWords, at: number): void {
    const arch = this.#arch;
    this.#checkAccess(vma.flags, page, words, at);
    const head = this.#countMapped(level, words, at);
    if (level === 0 && arch.contiguousEntries > 1 && arch.isContiguous(words, at)) {
      if (!checkContiguous(arch, this.#memory, words, at, page)) {
        this.#complain('S5.4', 'the contiguous hint is on whole aligned blocks of one folio only', page, {});
      }
    }
    if (head < 0) return;
    const memory = this.#memory;
    const flags = memory.flags[head] as number;
    const isAnon = (flags & (PG_ANON | PG_KSM)) !== 0;
    if ((vma.flags & VM_HUGETLB) === 0) this.#countResident(vma, isAnon, level === 0 ? 1 : arch.pmdPages);
    const frame = arch.pfn(words, at, level);
    const isPrivate = (vma.flags & VM_SHARED) === 0;
    if (isPrivate && arch.isWritable(words, at) && !(isAnon && isAnonExclusive(memory, frame))) {
      this.#complain('S4.6', 'a writable entry of a private mapping maps an exclusive page', page, { head, frame });
    }
    if (!isAnon || (flags & PG_KSM) !== 0) return;
    if (!vma.faulted) {
      this.#complain('S3.13', 'a mapping without an anon_vma has no anonymous page', page, { head });
      return;
    }
    checkReverseMapping(this.#mm, vma, page, frame, this.#violations);
  }

  #checkAccess(flags: VmFlags, page: number, words: EntryWords, at: number): void {
    const arch = this.#arch;
    const noAccess = (flags & VM_ACCESS) === 0;
    if (noAccess !== arch.isProtNone(words, at)) {
      this.#complain('S5.6', 'an entry allows no access exactly when its mapping does', page, {});
    }
    if (arch.isWritable(words, at) && (flags & VM_WRITE) === 0) {
      this.#complain('S5.6', 'an entry is writable only if its mapping is', page, {});
    }
  }

  #countResident(vma: Vma, isAnon: boolean, pages: number): void {
    if (isAnon) this.#resident.anon += pages;
    else if (vma.file !== null && vma.file.isSwapBacked) this.#resident.shmem += pages;
    else this.#resident.file += pages;
  }

  #absent(vma: Vma, kind: EntryKind, page: number, words: EntryWords, at: number): void {
    const arch = this.#arch;
    if (kind === EntryKind.Swap) {
      this.#swapEntry(vma, page, arch.swapOffset(words, at));
    } else if (kind === EntryKind.Migration) {
      const frame = arch.migrationPfn(words, at);
      const flags = this.#memory.flags[this.#memory.headOf(frame)] as number;
      if ((flags & (PG_ANON | PG_KSM)) === PG_ANON) checkReverseMapping(this.#mm, vma, page, frame, this.#violations);
    } else if (kind === EntryKind.Marker) {
      this.#marker(vma, page, arch.markerBits(words, at));
    }
  }

  #marker(vma: Vma, page: number, bits: number): void {
    const guardFlag = this.#mm.env.profile.guardFlag;
    if ((bits & MARKER_GUARD) !== 0 && guardFlag && (vma.flags & VM_MAYBE_GUARD) === 0) {
      this.#complain('S5.8', 'guard markers are only in mappings that may have them', page, {});
    }
    if ((bits & MARKER_UFFD_WP) !== 0 && (vma.flags & VM_UFFD_WP) === 0) {
      this.#complain('S5.9', 'userfaultfd marks are only in mappings registered for them', page, {});
    }
  }

  #swapEntry(vma: Vma, page: number, slot: number): void {
    this.#resident.swap++;
    const { slots } = this.#census;
    slots.set(slot, (slots.get(slot) ?? 0) + 1);
    const memory = this.#memory;
    const frame = this.#mm.env.swap.cache[slot] as number;
    if (frame === 0 || ((memory.flags[memory.headOf(frame)] as number) & PG_ANON) === 0) return;
    checkReverseMapping(this.#mm, vma, page, frame, this.#violations, 'S4.9');
  }
}
