import { NONE, VM_SPECIAL, equalFlags, isCowMapping } from '@vmakit/base';
import { STICKY_FLAGS, policiesEqual } from '@vmakit/rmap';
import { type MergeRequest, ruleNumber } from './merge-request.js';
import type { VmaTable } from './vma-table.js';
import { isForkChildRow } from './vma.js';

const OK = 0;
const NO_NEIGHBOUR = ruleNumber('no-neighbour');
const SPECIAL = ruleNumber('special');
const NOT_ADJACENT = ruleNumber('not-adjacent');
const POLICY = ruleNumber('policy');
const FLAGS = ruleNumber('flags');
const FILE = ruleNumber('file');
const USERFAULTFD = ruleNumber('userfaultfd');
const NAME = ruleNumber('name');
const FORK_CHILD = ruleNumber('fork-child');
const ANON_VMA = ruleNumber('anon-vma');
const PAGE_OFFSET = ruleNumber('page-offset');
const ANON_PAGE_OFFSET = ruleNumber('anon-page-offset');
const NEIGHBOURS_ANON_VMA = ruleNumber('neighbours-anon-vma');

/** Attributes that must be equal (spec 02 section 2, attr_ok). */
function attributeRule(request: MergeRequest, row: number): number {
  const { table } = request.mm.tree;
  const { file, policy, uffd, name } = table.extras(row);
  if (request.policy !== policy && !policiesEqual(request.policy, policy)) return POLICY;
  if (!equalFlags(request.flags, table.flags(row), STICKY_FLAGS)) return FLAGS;
  if (request.file !== file) return FILE;
  if (request.uffd !== uffd) return USERFAULTFD;
  if (request.name !== name) return NAME;
  return OK;
}

/** Whether the anon_vmas allow a merge (spec 02 section 2, anon_ok). */
function anonVmaRule(request: MergeRequest, target: number): number {
  const { mm } = request;
  const source = request.anonVmaSlot;
  const own = mm.tree.table.anonVmaSlot(target);
  // Case 1: the target takes over the source's anon_vma; a fork child has links that must not spread.
  if (own === NONE && source !== NONE) {
    const { middleRow, copiedFromRow } = request;
    const forked =
      (middleRow !== NONE && isForkChildRow(mm, middleRow)) ||
      (copiedFromRow !== NONE && isForkChildRow(mm, copiedFromRow));
    return forked ? FORK_CHILD : OK;
  }
  // Case 2: unfaulted memory joins the target.
  if (own !== NONE && source === NONE) return isForkChildRow(mm, target) ? FORK_CHILD : OK;
  // Case 3: both or neither; fork children may merge when they share the anon_vma.
  return source === own ? OK : ANON_VMA;
}

/** The first rule that keeps the range from merging with the VMA before it; 0 if none does. */
export function leftRule(request: MergeRequest): number {
  const { prevRow: prev } = request;
  const { table } = request.mm.tree;
  if (prev === NONE) return NO_NEIGHBOUR;
  if (table.end(prev) !== request.start) return NOT_ADJACENT;
  if ((request.flags & VM_SPECIAL) !== 0) return SPECIAL;
  const rule = attributeRule(request, prev) || anonVmaRule(request, prev);
  if (rule !== OK) return rule;
  const pages = table.end(prev) - table.start(prev);
  if (table.pageOffset(prev) + pages !== request.pageOffset) return PAGE_OFFSET;
  if (
    request.file !== null &&
    table.anonPageOffset(prev) + pages !== request.anonPageOffset &&
    isCowMapping(request.flags)
  ) {
    return ANON_PAGE_OFFSET;
  }
  return OK;
}

/** The same for the VMA after it. `mergesLeft`: the range merges with the one before as well. */
export function rightRule(request: MergeRequest, mergesLeft: boolean): number {
  const { nextRow: next } = request;
  const { table } = request.mm.tree;
  if (next === NONE) return NO_NEIGHBOUR;
  if (table.start(next) !== request.end) return NOT_ADJACENT;
  if ((request.flags & VM_SPECIAL) !== 0) return SPECIAL;
  const rule = attributeRule(request, next) || anonVmaRule(request, next);
  if (rule !== OK) return rule;
  const pages = request.end - request.start;
  if (request.pageOffset + pages !== table.pageOffset(next)) return PAGE_OFFSET;
  if (
    request.file !== null &&
    request.anonPageOffset + pages !== table.anonPageOffset(next) &&
    isCowMapping(request.flags)
  ) {
    return ANON_PAGE_OFFSET;
  }
  if (mergesLeft) {
    const left = table.anonVmaSlot(request.prevRow);
    const right = table.anonVmaSlot(next);
    if (left !== NONE && right !== NONE && left !== right) return NEIGHBOURS_ANON_VMA;
  }
  return OK;
}

/** The VMA in `row` may be removed by a merge: it has no close hook (spec 02 section 2). */
export function isRemovable(table: VmaTable, row: number): boolean {
  if (!table.hasExtras(row)) return true;
  const { file } = table.extras(row);
  return file === null || !file.hasCloseHook;
}
