import { type FaultInjector, NONE, VM_MAYBE_GUARD, VM_SPECIAL, type VmFlags, withFlags } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import { type RmapContext, STICKY_FLAGS, anonVmaClone, moveAllLinks, unlinkAnonVmas } from '@vmakit/rmap';
import type { MergeCounters } from './merge-counters.js';
import { emitMerge } from './merge-report.js';
import { isRemovable, leftRule, rightRule } from './merge-predicates.js';
import { type MergeRequest, ruleNumber } from './merge-request.js';
import { type Vma, freeVma } from './vma.js';

/** What the merge engine works with. */
export interface MergeContext extends RmapContext {
  readonly bus: KernelBus;
  readonly mergeCounters: MergeCounters;
  /**
   * A boundary of `vma` is about to be put at `page`, inside it: a huge entry that straddles it must be split (spec 02
   * section 5). Never fails.
   */
  readonly onBoundary: (vma: Vma, page: number) => void;
}

const NOT_AT_EDGE = ruleNumber('not-at-edge');
const SPECIAL = ruleNumber('special');
const CLOSE_HOOK = ruleNumber('close-hook');

/**
 * Merges a range that has no VMA yet with its neighbours: mmap, brk, growing in place, the destination of a move (spec
 * 02 section 3). `request.prev` and `request.next` are the neighbours of the range.
 *
 * @returns the VMA that now covers the range, or null: nothing changed. `request` then says why.
 */
export function mergeNewRange(context: MergeContext, request: MergeRequest): Vma | null {
  const { prev, next } = request;
  request.leftRule = leftRule(request);
  const left = request.leftRule === 0;
  let right = false;
  if (!request.justExpand) {
    request.rightRule = rightRule(request, left);
    right = request.rightRule === 0;
    if (left && right && !isRemovable(next as Vma)) {
      request.rightRule = CLOSE_HOOK;
      right = false;
    }
  }
  let target: Vma | null = null;
  if (left || right) {
    target = (left ? prev : next) as Vma;
    const removed = left && right ? (next as Vma) : null;
    if (!expand(context, request, target, removed)) target = null;
    request.mergedLeft = left && target !== null;
    request.mergedRight = right && target !== null;
    if (target !== null) context.mergeCounters.count(left, right);
  }
  if (context.bus.observed) emitMerge(context.bus, request);
  return target;
}

/**
 * Grows `target` over the range of the request, and over `removed` behind it. False: memory ran out, nothing changed.
 */
function expand(context: MergeContext, request: MergeRequest, target: Vma, removed: Vma | null): boolean {
  const wasUnfaulted = !target.faulted;
  if (wasUnfaulted) {
    const donor =
      removed !== null && removed.faulted
        ? removed
        : request.copiedFrom !== null && request.copiedFrom.faulted
          ? request.copiedFrom
          : null;
    if (donor !== null && !propagateAnonVma(context, target, donor)) return false;
  }
  if (treeNodeFails(context.injector)) {
    if (wasUnfaulted) unlinkAnonVmas(context, target);
    if (!request.giveUpOnNoMemory) request.outOfMemory = true;
    return false;
  }
  const start = target === request.prev ? target.start : request.start;
  const end = removed !== null ? removed.end : target === request.next ? target.end : request.end;
  const sticky = stickyFlags(context, request.flags) | (removed === null ? 0 : stickyFlags(context, removed.flags));
  const { tree } = request.mm;
  followRange(target, start, end);
  tree.setRange(target, start, removed === null ? end : request.end);
  if (removed !== null) {
    tree.absorb(target, removed);
    dropMerged(context, removed);
  }
  target.flags = withFlags(target.flags, sticky);
  return true;
}

/**
 * Merges [start, end) of `request.middle`, whose attributes shall become those of the request, with the VMAs around it
 * (spec 02 section 4). Flags are not applied, except that sticky ones gather on the result.
 *
 * @returns the VMA that now covers the range, or null: nothing changed; `request.outOfMemory` says whether that is an
 * error.
 */
export function mergeExistingRange(context: MergeContext, request: MergeRequest): Vma | null {
  const middle = request.middle as Vma;
  const target = mergeMiddle(context, request, middle);
  if (context.bus.observed) emitMerge(context.bus, request);
  return target;
}

function mergeMiddle(context: MergeContext, request: MergeRequest, middle: Vma): Vma | null {
  const atStart = request.start === middle.start;
  const atEnd = request.end === middle.end;
  if ((request.flags & VM_SPECIAL) !== 0) {
    request.leftRule = SPECIAL;
    request.rightRule = SPECIAL;
    return null;
  }
  request.leftRule = atStart ? leftRule(request) : NOT_AT_EDGE;
  const left = request.leftRule === 0;
  request.rightRule = atEnd ? rightRule(request, left) : NOT_AT_EDGE;
  let right = request.rightRule === 0;
  if (!left && !right) return null;
  const removeMiddle = atStart && atEnd;
  if (removeMiddle && !isRemovable(middle)) {
    if (left) request.leftRule = CLOSE_HOOK;
    if (right) request.rightRule = CLOSE_HOOK;
    return null;
  }
  if (left && right && !isRemovable(request.next as Vma)) {
    request.rightRule = CLOSE_HOOK;
    right = false;
    if (!left) return null;
  }
  const target = (left ? request.prev : request.next) as Vma;
  const removedNext = left && right ? (request.next as Vma) : null;
  if (!prepareTarget(context, request, target, removedNext, middle)) return null;
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
  target: Vma,
  removedNext: Vma | null,
  middle: Vma,
): boolean {
  const donor = removedNext !== null && removedNext.faulted ? removedNext : middle;
  const wasUnfaulted = !target.faulted;
  if (wasUnfaulted && donor.faulted && !propagateAnonVma(context, target, donor)) {
    if (!request.giveUpOnNoMemory) request.outOfMemory = true;
    return false;
  }
  if (treeNodeFails(context.injector)) {
    if (wasUnfaulted) unlinkAnonVmas(context, target);
    if (!request.giveUpOnNoMemory) request.outOfMemory = true;
    return false;
  }
  return true;
}

function commitMiddle(
  context: MergeContext,
  request: MergeRequest,
  target: Vma,
  removeMiddle: boolean,
  removedNext: Vma | null,
  middle: Vma,
): void {
  const { tree } = request.mm;
  const { start, end } = request;
  let sticky = stickyFlags(context, request.flags) | stickyFlags(context, middle.flags);
  if (removedNext !== null) sticky |= stickyFlags(context, removedNext.flags);
  const mergesLeft = target === request.prev;
  if (removeMiddle) {
    if (mergesLeft) followRange(target, target.start, removedNext !== null ? removedNext.end : end);
    else followRange(target, start, target.end);
    tree.absorb(target, middle);
    if (removedNext !== null) tree.absorb(target, removedNext);
    dropMerged(context, middle);
    if (removedNext !== null) dropMerged(context, removedNext);
  } else if (mergesLeft) {
    context.onBoundary(middle, end);
    followRange(middle, end, middle.end);
    followRange(target, target.start, end);
    tree.moveBoundary(target, middle, end);
  } else {
    context.onBoundary(middle, start);
    followRange(middle, middle.start, start);
    followRange(target, start, target.end);
    tree.moveBoundary(middle, target, start);
  }
  target.flags = withFlags(target.flags, sticky);
}

/** Sets the range of a VMA, and lets both offsets follow its start, and its links. */
export function moveBoundaries(vma: Vma, start: number, end: number): void {
  followRange(vma, start, end);
  vma.mm.tree.setRange(vma, start, end);
}

/** Lets both offsets and the links of a VMA follow a range that the tree is about to give it. */
export function followRange(vma: Vma, start: number, end: number): void {
  const shift = start - vma.start;
  if (vma.chain !== NONE) moveAllLinks(vma, vma.anonPageOffset + shift, end - start);
  if (shift !== 0) vma.pageOffset += shift;
}

/** The last step for a VMA that a merge removed: it is out of the tree already. */
function dropMerged(context: MergeContext, vma: Vma): void {
  unlinkAnonVmas(context, vma);
  vma.mm.mapCount--;
  freeVma(vma);
}

/** Gives an unfaulted VMA the anon_vma of `donor`. False: memory ran out, nothing changed. */
function propagateAnonVma(context: MergeContext, target: Vma, donor: Vma): boolean {
  target.anonVmaSlot = donor.anonVmaSlot;
  return anonVmaClone(context, target, donor, 'merge-unfaulted');
}

/** The flags that a merge gathers on its result (spec 01 section 2, STICKY). */
function stickyFlags(context: MergeContext, flags: VmFlags): number {
  return flags & (context.profile.softDirtySticky ? STICKY_FLAGS : VM_MAYBE_GUARD);
}

/** Whether claiming nodes of the VMA tree fails now: the only failure of a commit (spec 02 section 5). */
export function treeNodeFails(injector: FaultInjector | null): boolean {
  return injector !== null && injector.fails('vma-tree-node');
}
