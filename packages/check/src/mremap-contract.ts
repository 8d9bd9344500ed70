import {
  MmError,
  type SysResult,
  VM_SOFTDIRTY,
  VM_MAYBE_GUARD,
  VM_MERGEABLE,
  VM_UFFD_MASK,
  hasAny,
  withoutFlags,
} from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { pageOffsetAt } from '@vmakit/vma-merge';
import { type MappingImage, MemoryImage, type PageIdentity, identityAt } from './memory-image.js';
import { type Violation, ViolationList } from './violation.js';

/** An mremap, in pages. */
export interface MremapCall {
  readonly start: number;
  readonly oldPages: number;
  readonly newPages: number;
  /** The source stays mapped (DONTUNMAP). */
  readonly keepsSource: boolean;
  /** What is mapped at the destination goes first (FIXED). */
  readonly fixed: boolean;
  /** Relocate or fail (MUST_RELOCATE_ANON). */
  readonly must: boolean;
}

/** The errors that spec 05 and 06 know. */
const KNOWN_ERRORS: ReadonlySet<string> = new Set(['EINVAL', 'EFAULT', 'ENOMEM', 'EPERM', 'EAGAIN', 'EINTR']);
/** Flags that a move may change: sticky ones, and registrations that end with it. */
const MAY_CHANGE = VM_SOFTDIRTY + VM_MAYBE_GUARD + VM_UFFD_MASK;
/** Ranges longer than this are looked at up to here: nobody maps more in one call but to see it refused. */
const LONGEST = 2 ** 24;

/**
 * S8, the contract of mremap: what a call must have done, seen from before and after it. Made before the call; asked
 * after it.
 *
 * @example
 * const contract = new MremapContract(process.mm, { start: 16, oldPages: 8, newPages: 8, ... });
 * const result = process.mremap(...);
 * const violations = contract.check(result, 'mremap');
 */
export class MremapContract {
  readonly #mm: Mm;
  readonly #call: MremapCall;
  readonly #image: MemoryImage;
  readonly #numbers: string;
  readonly #flushes: number;

  constructor(mm: Mm, call: MremapCall) {
    this.#mm = mm;
    this.#call = call;
    this.#image = new MemoryImage(mm, call.start, call.start + Math.min(call.oldPages, LONGEST));
    this.#numbers = numbersOf(mm);
    this.#flushes = flushesOf(mm);
  }

  /** What the call did not keep. `operation` is named in the violations. */
  check(result: SysResult, operation: string | null = null): Violation[] {
    const violations = new ViolationList(operation);
    if (result instanceof MmError) this.#checkFailure(result, violations);
    else this.#checkSuccess(result, violations);
    return violations.found;
  }

  #checkFailure(error: MmError, violations: ViolationList): void {
    if (!KNOWN_ERRORS.has(error.errno)) {
      violations.add('S8.4', 'an error is one that the call can give', { errno: error.errno, rule: error.rule });
    }
    const { fixed, must, oldPages, newPages } = this.#call;
    const parts = this.#image.mappings.length;
    // What may already have been done when these errors come: destination or tail unmapped, earlier parts moved.
    const untouched = error.errno === 'EINVAL' ? parts < 2 : error.errno === 'EFAULT' && !fixed && !must;
    if (!untouched || newPages < oldPages) return;
    const numbers = numbersOf(this.#mm);
    if (numbers !== this.#numbers) {
      const objects = { mm: this.#mm.id, errno: error.errno, rule: error.rule, before: this.#numbers, after: numbers };
      violations.add('S8.5', 'a call that is refused for its arguments changes nothing', objects);
    }
  }

  #checkSuccess(target: number, violations: ViolationList): void {
    const { start, oldPages, newPages, keepsSource } = this.#call;
    const moved = target !== start;
    const kept = Math.min(oldPages, newPages);
    const by = target - start;
    for (const mapping of this.#image.mappings) {
      const end = Math.min(mapping.end, start + kept);
      if (mapping.start < end) this.#checkMapped(mapping, end, by, violations);
    }
    if (!moved) return;
    let present = 0;
    for (const [page, was] of this.#image.entries) {
      if (page >= start + kept) continue;
      if (was.place > 0) present++;
      this.#checkPage(page, page + by, was, violations);
    }
    if (present > 0 && flushesOf(this.#mm) === this.#flushes) {
      violations.add('S5.11', 'translations of moved pages are flushed', { mm: this.#mm.id, start, target, present });
    }
    if (oldPages > 0) this.#checkSource(keepsSource, violations);
  }

  /** S8.1, S8.2, S8.6: the destination is mapped as the source was, and relocated if it had to be. */
  #checkMapped(mapping: MappingImage, end: number, by: number, violations: ViolationList): void {
    const mm = this.#mm;
    for (let page = mapping.start + by; page < end + by;) {
      const vma = mm.tree.at(page);
      if (vma === null) {
        violations.add('S8.1', 'the destination is mapped', { mm: mm.id, page });
        return;
      }
      if (withoutFlags(vma.flags, MAY_CHANGE) !== withoutFlags(mapping.flags, MAY_CHANGE)) {
        const objects = { mm: mm.id, page, was: mapping.flags, is: vma.flags };
        violations.add('S8.1', 'the destination has the flags of the source', objects);
      }
      const offset = pageOffsetAt(vma, page);
      const kept = mapping.pageOffset + (page - by - mapping.start);
      if (!mapping.isAnonymous && offset !== kept) {
        const objects = { mm: mm.id, page, was: kept, is: offset };
        violations.add('S8.2', 'a file mapping shows the same part of its file', objects);
      }
      const mergedPlainly = offset === kept && (vma.start < mapping.start + by || vma.end > end + by);
      // Of several parts, one may have merged with a mapping that was moved away after it.
      const must = this.#call.must && by !== 0 && mapping.isAnonymous && this.#image.mappings.length === 1;
      if (must && offset !== page && !mergedPlainly) {
        violations.add('S8.6', 'MUST succeeds only if the memory is relocated, unfaulted, or merged as it is', {
          mm: mm.id,
          page,
          offset,
        });
      }
      page = vma.end;
    }
  }

  /** S8.2, S5.10, S4.11: a page is at the destination what it was at the source. */
  #checkPage(from: number, to: number, was: PageIdentity, violations: ViolationList): void {
    const mm = this.#mm;
    const { memory } = mm.env;
    const is = identityAt(mm, to);
    // A marker may end with the registration that it belongs to.
    if (is === undefined) {
      if (was.place !== 0) violations.add('S5.10', 'an entry is moved', { mm: mm.id, from, to });
      return;
    }
    if (is.content !== was.content) {
      const objects = { mm: mm.id, from, to, was: was.content, is: is.content };
      violations.add('S8.2', 'the content of a page moves with it', objects);
    }
    if (is.place <= 0) return;
    // Only what is marked is unmerged first: a page may have been merged for a process that shares it after a fork.
    const marked = this.#image.mappings.some(({ start, end, flags }) => {
      return start <= from && from < end && hasAny(flags, VM_MERGEABLE);
    });
    if (is.isMerged && marked) {
      violations.add('S4.11', 'a moved range has no merged page', { mm: mm.id, from, to });
    }
    // A page that was merged has a copy of its own now; an unused page of a folio that was split may have become zero.
    const replaced = was.isMerged || is.place === memory.zeroFrame;
    if (was.place > 0 && is.place !== was.place && !replaced) {
      violations.add('S5.10', 'an entry keeps its page', { mm: mm.id, from, to, was: was.place, is: is.place });
    }
  }

  /** S8.3, S5.7: the source is gone, or is there and empty. */
  #checkSource(keepsSource: boolean, violations: ViolationList): void {
    const mm = this.#mm;
    for (const mapping of this.#image.mappings) {
      const image = new MemoryImage(mm, mapping.start, mapping.end);
      if (image.entries.size > 0) {
        violations.add(keepsSource ? 'S8.3' : 'S5.7', 'a moved range holds no entry any more', {
          mm: mm.id,
          start: mapping.start,
          end: mapping.end,
          entries: image.entries.size,
        });
      }
      const pages = image.mappings.reduce((sum, part) => sum + part.end - part.start, 0);
      if (keepsSource && pages !== mapping.end - mapping.start) {
        const objects = { mm: mm.id, start: mapping.start, end: mapping.end };
        violations.add('S8.3', 'with DONTUNMAP the source stays mapped', objects);
      }
    }
  }
}

/** Everything that is counted of an address space, as one text to compare. */
function numbersOf(mm: Mm): string {
  const { mapCount, totalVm, dataVm, execVm, stackVm, lockedVm, rssAnon, rssFile, rssShmem, swapEntries, env } = mm;
  const counted = { mapCount, totalVm, dataVm, execVm, stackVm, lockedVm, rssAnon, rssFile, rssShmem, swapEntries };
  const shared = { committed: env.committed, anonVmas: env.anonVmas.liveCount, tables: mm.pages.tables.join(' ') };
  return JSON.stringify({ ...counted, ...shared });
}

function flushesOf(mm: Mm): number {
  const { pages, single, full } = mm.pages.tlb;
  return pages + single + full;
}
