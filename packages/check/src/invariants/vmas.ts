import {
  VM_ACCOUNT,
  VM_EXEC,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NORESERVE,
  VM_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
  smapsFlagNames,
} from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import type { Vma } from '@vmakit/vma-merge';
import type { ViolationList } from '../violation.js';
import type { History } from './history.js';
import type { Subject } from './subject.js';

/** S1 and S2: the tree of mappings, their flags and offsets. */
export function checkVmas(subject: Subject, history: History | null): void {
  for (const mm of subject.mms) {
    checkTree(mm, subject.violations);
    checkMapCount(mm, subject.violations, history);
    for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
      checkFlags(mm, vma, subject.violations);
      checkOffsets(mm, vma, subject.violations, history);
    }
    if (history !== null) checkSealed(mm, subject.violations, history);
  }
}

/** Names a mapping in a violation. */
export function vmaObjects(mm: Mm, vma: Vma): Record<string, number | string> {
  return { mm: mm.id, start: vma.start, end: vma.end };
}

function checkTree(mm: Mm, violations: ViolationList): void {
  const { tree } = mm;
  let count = 0;
  let previous: Vma | null = null;
  for (let vma = tree.first; vma !== null; vma = vma.next) {
    const objects = vmaObjects(mm, vma);
    const inside = vma.start >= 0 && vma.end <= mm.layout.taskSize;
    if (!(vma.start < vma.end) || !Number.isInteger(vma.start) || !Number.isInteger(vma.end) || !inside) {
      violations.add('S1.1', 'a mapping is a range of whole pages in the address space', objects);
    }
    if (previous !== null && previous.end > vma.start) {
      violations.add('S1.1', 'mappings are sorted and disjoint', { ...objects, previousEnd: previous.end });
    }
    if (tree.find(vma.start) !== vma || tree.find(vma.end - 1) !== vma) {
      violations.add('S1.3', 'the tree finds a mapping by its first and last page', objects);
    }
    if (!vma.attached || vma.mm !== mm || vma.prev !== previous) {
      violations.add('S1.4', 'a mapping in the tree is attached, of this address space, and linked', objects);
    }
    previous = vma;
    count++;
    if (count > tree.count) break;
  }
  if (tree.last !== previous)
    violations.add('S1.4', 'the last mapping of the list is the last of the tree', { mm: mm.id });
  if (count !== tree.count || mm.mapCount !== count) {
    violations.add('S1.2', 'the map count is the number of mappings', {
      mm: mm.id,
      mapCount: mm.mapCount,
      mappings: count,
    });
  }
}

function checkMapCount(mm: Mm, violations: ViolationList, history: History | null): void {
  const { maxMapCount } = mm.env.settings;
  if (mm.mapCount <= maxMapCount + 1) return;
  // The limit may have been lowered, and fork does not look at it.
  const before = history === null ? Infinity : (history.mapCount(mm) ?? Infinity);
  if (mm.mapCount > before) {
    violations.add('S1.2', 'the map count passes the limit by one at most', {
      mm: mm.id,
      mapCount: mm.mapCount,
      maxMapCount,
    });
  }
}

const MAY_PAIRS = [
  [VM_READ, VM_MAYREAD, 'READ needs MAYREAD'],
  [VM_WRITE, VM_MAYWRITE, 'WRITE needs MAYWRITE'],
  [VM_EXEC, VM_MAYEXEC, 'EXEC needs MAYEXEC'],
  [VM_SHARED, VM_MAYSHARE, 'SHARED needs MAYSHARE'],
  [VM_LOCKONFAULT, VM_LOCKED, 'LOCKONFAULT needs LOCKED'],
] as const;

function checkFlags(mm: Mm, vma: Vma, violations: ViolationList): void {
  const { flags } = vma;
  const complain = (what: string): void =>
    violations.add('S1.6', what, { ...vmaObjects(mm, vma), flags: smapsFlagNames(flags).join(' ') });
  for (const [flag, needed, what] of MAY_PAIRS) {
    if ((flags & flag) !== 0 && (flags & needed) === 0) complain(what);
  }
  if ((flags & VM_SPECIAL) !== 0 && (flags & VM_LOCKED) !== 0) complain('a special mapping is not LOCKED');
  if ((flags & VM_ACCOUNT) !== 0 && (flags & (VM_NORESERVE | VM_SHARED)) !== 0) {
    complain('an ACCOUNT mapping is neither NORESERVE nor SHARED');
  }
}

function checkOffsets(mm: Mm, vma: Vma, violations: ViolationList, history: History | null): void {
  const wrap = 2 ** (64 - mm.env.arch.pageShift);
  if (vma.pageOffset < 0 || vma.pageOffset + (vma.end - vma.start) > wrap) {
    violations.add('S2.3', 'an offset does not wrap', { ...vmaObjects(mm, vma), pageOffset: vma.pageOffset });
  }
  if (vma.file !== null) return;
  const { pageOffset, anonPageOffset } = vma;
  if (pageOffset !== anonPageOffset) {
    violations.add('S2.2', 'an anonymous mapping has one offset', {
      ...vmaObjects(mm, vma),
      pageOffset,
      anonPageOffset,
    });
  }
  if (vma.faulted || pageOffset === vma.start || !mm.env.profile.dontUnmapResetsOffset) return;
  // What a child wiped on fork keeps its parent's offset (spec 01 section 10).
  const wiped = (vma.flags & VM_WIPEONFORK) !== 0 || (history?.isWipedOffset(pageOffset - vma.start) ?? false);
  if (!wiped) {
    violations.add('S2.1', 'an unfaulted anonymous mapping has its address as its offset', {
      ...vmaObjects(mm, vma),
      pageOffset,
    });
  }
}

/** S1.7: what was sealed is there still, as it was: all of it, with the same access and kind. */
function checkSealed(mm: Mm, violations: ViolationList, history: History): void {
  for (const sealed of history.sealed(mm)) {
    for (let page = sealed.start; page < sealed.end;) {
      const vma = mm.tree.at(page);
      if (vma === null || history.sealedKind(vma.flags) !== sealed.kind) {
        violations.add('S1.7', 'a sealed mapping stays as it is', {
          mm: mm.id,
          start: sealed.start,
          end: sealed.end,
          page,
        });
        break;
      }
      page = vma.end;
    }
  }
}
