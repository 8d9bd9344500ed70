import { type FaultInjector, NONE, VM_MAYBE_GUARD, VM_SPECIAL, type VmFlags } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import { type RmapContext, STICKY_FLAGS, anonVmaClone, moveAllLinks, unlinkAnonVmas } from '@vmakit/rmap';
import type { MergeCounters } from './merge-counters.js';
import { emitMerge } from './merge-report.js';
import { isRemovable, leftRule, rightRule } from './merge-predicates.js';
import { type MergeRequest, ruleNumber } from './merge-request.js';
import type { VmaOwner } from './vma.js';

/** What the merge engine works with. */
export interface MergeContext extends RmapContext {
  readonly bus: KernelBus;
  readonly mergeCounters: MergeCounters;
  /**
   * A boundary of the VMA in `row` is about to be put at `page`, inside it: a huge entry that straddles it must be
   * split (spec 02 section 5). Never fails.
   */
  readonly onBoundary: (mm: VmaOwner, row: number, page: number) => void;
}

const NOT_AT_EDGE = ruleNumber('not-at-edge');
const SPECIAL = ruleNumber('special');
const CLOSE_HOOK = ruleNumber('close-hook');

/**
 * Merges a range that has no VMA yet with its neighbours: mmap, brk, growing in place, the destination of a move (spec
 * 02 section 3). `request.prevRow` and `request.nextRow` are the neighbours of the range.
 *
 * @returns the row of the VMA that now covers the range, or {@link NONE}: nothing changed. `request` then says why.
 */
export function mergeNewRange(context: MergeContext, request: MergeRequest): number {
  const { prevRow: prev, nextRow: next } = request;
  const { table } = request.mm.tree;
  request.leftRule = leftRule(request);
  const left = request.leftRule === 0;
  let right = false;
  if (!request.justExpand) {
    request.rightRule = rightRule(request, left);
    right = request.rightRule === 0;
    if (left && right && !isRemovable(table, next)) {
      request.rightRule = CLOSE_HOOK;
      right = false;
    }
  }
  let target = NONE;
  if (left || right) {
    target = left ? prev : next;
    const removed = left && right ? next : NONE;
    if (!expand(context, request, target, removed)) target = NONE;
    request.mergedLeft = left && target !== NONE;
    request.mergedRight = right && target !== NONE;
    if (target !== NONE) context.mergeCounters.count(left, right);
  }
  if (context.bus.observed) emitMerge(context.bus, request);
  return target;
}

/**
 * Grows `target` over the range of the request, and over `removed` behind it. False: memory ran out, nothing changed.
 */
function expand(context: MergeContext, request: MergeRequest, target: number, removed: number): boolean {
  const { mm } = request;
  const { table } = mm.tree;
  const wasUnfaulted = !table.isFaulted(target);
  if (wasUnfaulted) {
    const { copiedFromRow } = request;
    let donor = NONE;
    if (removed !== NONE && table.isFaulted(removed)) donor = removed;
    else if (copiedFromRow !== NONE && table.isFaulted(copiedFromRow)) donor = copiedFromRow;
    if (donor !== NONE && !propagateAnonVma(context, mm, target, donor)) return false;
  }
  if (treeNodeFails(context.injector)) {
    if (wasUnfaulted) unlinkAnonVmas(context, mm.tree.table, target);
    if (!request.giveUpOnNoMemory) request.outOfMemory = true;
    return false;
  }
  const start = target === request.prevRow ? table.start(target) : request.start;
  const ownEnd = target === request.nextRow ? table.end(target) : request.end;
  const end = removed !== NONE ? table.end(removed) : ownEnd;
  let sticky = stickyFlags(context, request.flags);
  if (removed !== NONE) sticky |= stickyFlags(context, table.flagsLower(removed));
  followRange(mm, target, start, end);
  mm.tree.setRange(target, start, removed === NONE ? end : request.end);
  if (removed !== NONE) {
    mm.tree.absorb(target, removed);
    dropMerged(context, mm, removed);
  }
  if (sticky !== 0) table.addFlags(target, sticky);
  return true;
}

/**
 * Merges [start, end) of `request.middleRow`, whose attributes shall become those of the request, with the VMAs around
 * it (spec 02 section 4). Flags are not applied, except that sticky ones gather on the result.
 *
 * @returns the row of the VMA that now covers the range, or {@link NONE}: nothing changed; `request.outOfMemory` says
 * whether that is an error.
 */
export function mergeExistingRange(context: MergeContext, request: MergeRequest): number {
  const target = mergeMiddle(context, request, request.middleRow);
  if (context.bus.observed) emitMerge(context.bus, request);
  return target;
}

function mergeMiddle(context: MergeContext, request: MergeRequest, middle: number): number {
  const { mm } = request;
  const { table } = mm.tree;
  const atStart = request.start === table.start(middle);
  const atEnd = request.end === table.end(middle);
  if ((request.flags & VM_SPECIAL) !== 0) {
    request.leftRule = SPECIAL;
    request.rightRule = SPECIAL;
    return NONE;
  }
  request.leftRule = atStart ? leftRule(request) : NOT_AT_EDGE;
  const left = request.leftRule === 0;
  request.rightRule = atEnd ? rightRule(request, left) : NOT_AT_EDGE;
  let right = request.rightRule === 0;
  if (!left && !right) return NONE;
  const removeMiddle = atStart && atEnd;
  if (removeMiddle && !isRemovable(table, middle)) {
    if (left) request.leftRule = CLOSE_HOOK;
    if (right) request.rightRule = CLOSE_HOOK;
    return NONE;
  }
  if (left && right && !isRemovable(table, request.nextRow)) {
    request.rightRule = CLOSE_HOOK;
    right = false;
    if (!left) return NONE;
  }
  const target = left ? request.prevRow : request.nextRow;
  const removedNext = left && right ? request.nextRow : NONE;
  if (!prepareTarget(context, request, target, removedNext, middle)) return NONE;
  commitMiddle(context, request, target, removeMiddle, removedNext, middle);
  request.mergedLeft = left;
  request.mergedRight = right;
  context.mergeCounters.count(left, right);
  return target;
}

/** Takes over anon_vmas and claims tree nodes; false when memory ran out. */
function prepareTarget(
  context: MergeContext,
  request: MergeRequest,
  target: number,
  removedNext: number,
  middle: number,
): boolean {
  const { mm } = request;
  const { table } = mm.tree;
  const donor = removedNext !== NONE && table.isFaulted(removedNext) ? removedNext : middle;
  const wasUnfaulted = !table.isFaulted(target);
  if (wasUnfaulted && table.isFaulted(donor) && !propagateAnonVma(context, mm, target, donor)) {
    if (!request.giveUpOnNoMemory) request.outOfMemory = true;
    return false;
  }
  if (treeNodeFails(context.injector)) {
    if (wasUnfaulted) unlinkAnonVmas(context, mm.tree.table, target);
    if (!request.giveUpOnNoMemory) request.outOfMemory = true;
    return false;
  }
  return true;
}

function commitMiddle(
  context: MergeContext,
  request: MergeRequest,
  target: number,
  removeMiddle: boolean,
  removedNext: number,
  middle: number,
): void {
  const { mm, start, end } = request;
  const { tree } = mm;
  const { table } = tree;
  let sticky = stickyFlags(context, request.flags) | stickyFlags(context, table.flagsLower(middle));
  if (removedNext !== NONE) sticky |= stickyFlags(context, table.flagsLower(removedNext));
  const mergesLeft = target === request.prevRow;
  if (removeMiddle) {
    if (mergesLeft) followRange(mm, target, table.start(target), removedNext !== NONE ? table.end(removedNext) : end);
    else followRange(mm, target, start, table.end(target));
    tree.absorb(target, middle);
    if (removedNext !== NONE) tree.absorb(target, removedNext);
    dropMerged(context, mm, middle);
    if (removedNext !== NONE) dropMerged(context, mm, removedNext);
  } else if (mergesLeft) {
    context.onBoundary(mm, middle, end);
    followRange(mm, middle, end, table.end(middle));
    followRange(mm, target, table.start(target), end);
    tree.moveBoundary(target, middle, end);
  } else {
    context.onBoundary(mm, middle, start);
    followRange(mm, middle, table.start(middle), start);
    followRange(mm, target, start, table.end(target));
    tree.moveBoundary(middle, target, start);
  }
  if (sticky !== 0) table.addFlags(target, sticky);
}

/** Sets the range of a VMA, and lets both offsets follow its start, and its links. */
export function moveBoundaries(mm: VmaOwner, row: number, start: number, end: number): void {
  followRange(mm, row, start, end);
  mm.tree.setRange(row, start, end);
}

/** Lets both offsets and the links of a VMA follow a range that the tree is about to give it. */
export function followRange(mm: VmaOwner, row: number, start: number, end: number): void {
  const { table } = mm.tree;
  const shift = start - table.start(row);
  const chain = table.chain(row);
  if (chain !== NONE) {
    const from = table.anonPageOffset(row);
    moveAllLinks(mm.anonVmas, chain, from, from + shift, end - start);
  }
  if (shift !== 0) table.setPageOffset(row, table.pageOffset(row) + shift);
}

/** The last step for a VMA that a merge removed: it is out of the tree already. */
function dropMerged(context: MergeContext, mm: VmaOwner, row: number): void {
  unlinkAnonVmas(context, mm.tree.table, row);
  mm.mapCount--;
  mm.tree.table.free(row);
}

/**
 * The last steps of making `copy`, a duplicate of the VMA in `row`, that can run out of memory: its memory policy, its
 * links, if it is to have any, and its place in the tree.
 *
 * @returns what there was no memory for; `copy` has no links then. Null: all is there.
 */
export function linkDuplicate(
  context: MergeContext,
  mm: VmaOwner,
  row: number,
  copy: number,
  linked: boolean,
): 'memory policy' | 'anon_vma links' | 'tree node' | null {
  const { injector } = context;
  const { table } = mm.tree;
  if (injector !== null && table.extras(row).policy !== null && injector.fails('policy-duplicate')) {
    return 'memory policy';
  }
  if (linked && table.isFaulted(row)) {
    table.setAnonVmaSlot(copy, table.anonVmaSlot(row));
    if (!anonVmaClone(context, table, copy, row)) return 'anon_vma links';
  }
  if (treeNodeFails(injector)) {
    unlinkAnonVmas(context, table, copy);
    return 'tree node';
  }
  return null;
}

/** Gives an unfaulted VMA the anon_vma of `donor`. False: memory ran out, nothing changed. */
function propagateAnonVma(
  context: MergeContext,
  { tree: { table } }: VmaOwner,
  target: number,
  donor: number,
): boolean {
  table.setAnonVmaSlot(target, table.anonVmaSlot(donor));
  return anonVmaClone(context, table, target, donor);
}

/** The flags that a merge gathers on its result (spec 01 section 2, STICKY). */
function stickyFlags(context: MergeContext, flags: VmFlags): number {
  return flags & (context.profile.softDirtySticky ? STICKY_FLAGS : VM_MAYBE_GUARD);
}

/** Whether claiming nodes of the VMA tree fails now: the only failure of a commit (spec 02 section 5). */
export function treeNodeFails(injector: FaultInjector | null): boolean {
  return injector !== null && injector.fails('vma-tree-node');
}
