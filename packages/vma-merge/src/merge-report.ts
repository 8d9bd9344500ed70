import { protectionText, smapsFlagNames } from '@vmakit/base';
import type { KernelBus, MergeRefusalEvent, MergeTriedEvent } from '@vmakit/events';
import { leftRule } from './merge-predicates.js';
import { MERGE_RULES, MergeRequest, type MergeRule } from './merge-request.js';
import type { Vma } from './vma.js';

/** Why two things did not merge: the first rule that refused, what the range has, and what the neighbour wants. */
export interface MergeRefusal {
  readonly rule: MergeRule;
  readonly have: number | string | null;
  readonly want: number | string | null;
}

/**
 * Why two neighbouring VMAs are two: what the merge engine would say if the right one were changed to what it is. Null
 * when they would merge (nothing has tried yet).
 */
export function explainUnmerged(left: Vma, right: Vma): MergeRefusal | null {
  const request = requestFor(right);
  request.prev = left;
  const rule = leftRule(request);
  return rule === 0 ? null : describeRule(request, rule, left, true);
}

/** A request to change nothing about `vma`, over the whole of it. */
function requestFor(vma: Vma): MergeRequest {
  const request = new MergeRequest(vma.mm).begin('modify', vma.start, vma.end, vma.pageOffset, vma.flags);
  request.anonPageOffset = vma.anonPageOffset;
  request.takeAttributes(vma.row);
  request.middleRow = vma.row;
  return request;
}

/** Both values of a rule that refused. `onLeft`: the neighbour lies before the range. */
export function describeRule(
  request: MergeRequest,
  rule: number,
  neighbour: Vma | null,
  onLeft: boolean,
): MergeRefusal {
  const name = MERGE_RULES[rule] as MergeRule;
  if (neighbour === null) return { rule: name, have: null, want: null };
  const [have, want] = valuesOf(request, name, neighbour, onLeft);
  return { rule: name, have, want };
}

type Value = number | string | null;

function valuesOf(request: MergeRequest, rule: MergeRule, neighbour: Vma, onLeft: boolean): [Value, Value] {
  const pages = request.end - request.start;
  switch (rule) {
    case 'not-adjacent':
      return onLeft ? [request.start, neighbour.end] : [request.end, neighbour.start];
    case 'policy':
      return [request.policy?.mode ?? null, neighbour.policy?.mode ?? null];
    case 'special':
    case 'flags':
      return [flagText(request.flags), flagText(neighbour.flags)];
    case 'file':
      return [request.file?.name ?? null, neighbour.file?.name ?? null];
    case 'userfaultfd':
      return [request.uffd?.id ?? null, neighbour.uffd?.id ?? null];
    case 'name':
      return [request.name, neighbour.name];
    case 'fork-child':
    case 'anon-vma':
      return [request.anonVma?.id ?? null, neighbour.anonVma?.id ?? null];
    case 'page-offset':
      return onLeft
        ? [request.pageOffset, neighbour.pageOffset + neighbour.pages]
        : [request.pageOffset + pages, neighbour.pageOffset];
    case 'anon-page-offset':
      return onLeft
        ? [request.anonPageOffset, neighbour.anonPageOffset + neighbour.pages]
        : [request.anonPageOffset + pages, neighbour.anonPageOffset];
    case 'neighbours-anon-vma':
      return [request.prev?.anonVma?.id ?? null, neighbour.anonVma?.id ?? null];
    case 'close-hook':
    case 'not-at-edge':
    case 'no-neighbour':
    case 'mergeable':
      return [null, null];
  }
}

function flagText(flags: number): string {
  const names = smapsFlagNames(flags, 0xff).join(' ');
  return names === '' ? protectionText(flags) : `${protectionText(flags)} ${names}`;
}

/** Tells the bus of a merge attempt. */
export function emitMerge(bus: KernelBus, request: MergeRequest): void {
  bus.emit({
    type: 'vma.merge',
    process: request.mm.id,
    kind: request.kind,
    start: request.start,
    end: request.end,
    outcome: outcomeOf(request),
    left: request.mergedLeft ? 'merged' : sideEvent(request, request.leftRule, request.prev, true),
    right: request.mergedRight ? 'merged' : sideEvent(request, request.rightRule, request.next, false),
  });
}

function outcomeOf(request: MergeRequest): MergeTriedEvent['outcome'] {
  if (request.mergedLeft) return request.mergedRight ? 'both' : 'left';
  if (request.mergedRight) return 'right';
  return request.outOfMemory ? 'no-memory' : 'none';
}

function sideEvent(
  request: MergeRequest,
  rule: number,
  neighbour: Vma | null,
  onLeft: boolean,
): MergeRefusalEvent | null {
  if (neighbour === null || MERGE_RULES[rule] === 'no-neighbour') return null;
  return describeRule(request, rule, neighbour, onLeft);
}
