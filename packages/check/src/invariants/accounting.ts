import { VM_ACCOUNT, VM_LOCKED, isDataMapping, isExecMapping, isStackMapping } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import type { ViolationList } from '../violation.js';
import type { History } from './history.js';
import type { Subject } from './subject.js';

/** What the mappings of one address space add up to. */
interface Sums {
  total: number;
  data: number;
  exec: number;
  stack: number;
  locked: number;
  accounted: number;
}

/** S6: pages counted by class, locked and charged, against the sum over all mappings. */
export function checkAccounting(subject: Subject, history: History | null): void {
  const { env, violations } = subject;
  let accounted = env.committedForGood;
  for (const mm of subject.mms) {
    const sums = sumMappings(mm);
    accounted += sums.accounted;
    checkTotals(mm, sums, violations);
    checkLimits(mm, violations, history);
  }
  if (env.committed !== accounted) {
    violations.add('S6.3', 'what is charged is what ACCOUNT mappings amount to', {
      committed: env.committed,
      accounted,
    });
  }
}

function sumMappings(mm: Mm): Sums {
  const sums: Sums = { total: 0, data: 0, exec: 0, stack: 0, locked: 0, accounted: 0 };
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
    const { flags, pages } = vma;
    sums.total += pages;
    if (isExecMapping(flags)) sums.exec += pages;
    else if (isStackMapping(flags)) sums.stack += pages;
    else if (isDataMapping(flags)) sums.data += pages;
    if ((flags & VM_LOCKED) !== 0) sums.locked += pages;
    if ((flags & VM_ACCOUNT) !== 0) sums.accounted += pages;
  }
  return sums;
}

function checkTotals(mm: Mm, sums: Sums, violations: ViolationList): void {
  const { totalVm, dataVm, execVm, stackVm, lockedVm } = mm;
  if (totalVm !== sums.total || dataVm !== sums.data || execVm !== sums.exec || stackVm !== sums.stack) {
    violations.add('S6.1', 'pages are counted in total and by class', {
      mm: mm.id,
      stored: `total ${totalVm}, data ${dataVm}, exec ${execVm}, stack ${stackVm}`,
      counted: `total ${sums.total}, data ${sums.data}, exec ${sums.exec}, stack ${sums.stack}`,
    });
  }
  // Linux 6.18 counts locked pages twice when they are moved with DONTUNMAP (spec 05 section 7).
  const exact = mm.env.profile.dontUnmapSplitsLocked;
  if (exact ? lockedVm !== sums.locked : lockedVm < sums.locked) {
    violations.add('S6.2', 'locked pages are those of LOCKED mappings', {
      mm: mm.id,
      stored: lockedVm,
      counted: sums.locked,
    });
  }
}

function checkLimits(mm: Mm, violations: ViolationList, history: History | null): void {
  const { totalVm, hiwaterVm, limits } = mm;
  const peaks = history?.peaks(mm);
  const greatest = Math.max(totalVm, peaks?.greatestTotalVm ?? 0);
  if (hiwaterVm < greatest) {
    violations.add('S6.4', 'the high-water mark is no lower than any total seen', { mm: mm.id, hiwaterVm, greatest });
  }
  const before = history === null ? Infinity : (history.totalVm(mm) ?? Infinity);
  if (totalVm > limits.addressSpace && totalVm > before) {
    violations.add('S6.6', 'RLIMIT_AS is kept', { mm: mm.id, totalVm, limit: limits.addressSpace });
  }
}
