import { NONE, VM_SPECIAL, equalFlags, isCowMapping } from '@vmakit/base';
import { STICKY_FLAGS, isForkChild, policiesEqual } from '@vmakit/rmap';
import { type MergeRequest, ruleNumber } from './merge-request.js';
import type { Vma } from './vma.js';

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
function attributeRule(request: MergeRequest, vma: Vma): number {
  if (request.policy !== vma.policy && !policiesEqual(request.policy, vma.policy)) return POLICY;
  if (!equalFlags(request.flags, vma.flags, STICKY_FLAGS)) return FLAGS;
  if (request.file !== vma.file) return FILE;
  if (request.uffd !== vma.uffd) return USERFAULTFD;
  if (request.name !== vma.name) return NAME;
  return OK;
}

/** Whether the anon_vmas allow a merge (spec 02 section 2, anon_ok). */
function anonVmaRule(request: MergeRequest, target: Vma): number {
  const source = request.anonVmaSlot;
  const own = target.anonVmaSlot;
  // Case 1: the target takes over the source's anon_vma; a fork child has links that must not spread.
  if (own === NONE && source !== NONE) {
    const { middle, copiedFrom } = request;
    const forked = (middle !== null && isForkChild(middle)) || (copiedFrom !== null && isForkChild(copiedFrom));
    return forked ? FORK_CHILD : OK;
  }
  // Case 2: unfaulted memory joins the target.
  if (own !== NONE && source === NONE) return isForkChild(target) ? FORK_CHILD : OK;
  // Case 3: both or neither; fork children may merge when they share the anon_vma.
  return source === own ? OK : ANON_VMA;
}

/** The first rule that keeps the range from merging with the VMA before it; 0 if none does. */
export function leftRule(request: MergeRequest): number {
  const { prev } = request;
  if (prev === null) return NO_NEIGHBOUR;
  if (prev.end !== request.start) return NOT_ADJACENT;
  if ((request.flags & VM_SPECIAL) !== 0) return SPECIAL;
  const rule = attributeRule(request, prev) || anonVmaRule(request, prev);
  if (rule !== OK) return rule;
  const pages = prev.end - prev.start;
  if (prev.pageOffset + pages !== request.pageOffset) return PAGE_OFFSET;
  if (request.file !== null && prev.anonPageOffset + pages !== request.anonPageOffset && isCowMapping(request.flags)) {
    return ANON_PAGE_OFFSET;
  }
  return OK;
}

/** The same for the VMA after it. `mergesLeft`: the range merges with the one before as well. */
export function rightRule(request: MergeRequest, mergesLeft: boolean): number {
  const { next } = request;
  if (next === null) return NO_NEIGHBOUR;
  if (next.start !== request.end) return NOT_ADJACENT;
  if ((request.flags & VM_SPECIAL) !== 0) return SPECIAL;
  const rule = attributeRule(request, next) || anonVmaRule(request, next);
  if (rule !== OK) return rule;
  const pages = request.end - request.start;
  if (request.pageOffset + pages !== next.pageOffset) return PAGE_OFFSET;
  if (request.file !== null && request.anonPageOffset + pages !== next.anonPageOffset && isCowMapping(request.flags)) {
    return ANON_PAGE_OFFSET;
  }
  if (mergesLeft) {
    const left = (request.prev as Vma).anonVmaSlot;
    if (left !== NONE && next.faulted && left !== next.anonVmaSlot) return NEIGHBOURS_ANON_VMA;
  }
  return OK;
}

/** A VMA may be removed by a merge: it has no close hook (spec 02 section 2). */
export function isRemovable(vma: Vma): boolean {
  return vma.file === null || !vma.file.hasCloseHook;
}
