import type { InjectionPoint } from '@vmakit/base';
import { type Operation, type OperationName, type ScenarioState, isFolioRow } from '@vmakit/trace';
import type { Arena } from '../addresses.js';
import { type PageView, type ProcessView, viewOf } from './page-view.js';

/** What a call may fail with when a point inside it fails, beside its usual errors. Spec 02 section 9, 05, 06. */
const INJECTED_ERRORS: Readonly<Partial<Record<OperationName, readonly string[]>>> = {
  mmap: ['ENOMEM'],
  munmap: ['ENOMEM'],
  mremap: ['ENOMEM', 'EFAULT'],
  mprotect: ['ENOMEM'],
  // A flag change without memory is told as EAGAIN (spec 01 section 6), everything else as ENOMEM.
  madvise: ['ENOMEM', 'EAGAIN', 'EINVAL', 'EBUSY'],
  mlock: ['ENOMEM', 'EAGAIN'],
  munlock: ['ENOMEM'],
  mseal: ['ENOMEM'],
  touch: ['ENOMEM'],
  fork: ['ENOMEM'],
  pin: ['ENOMEM', 'EFAULT'],
  uffd: ['ENOMEM'],
  uffdpoison: ['ENOMEM'],
};

/** Whether `operation` may fail with `err` after `point` failed inside it. */
export function mayFailWith(operation: Operation, point: InjectionPoint, err: string): boolean {
  if (point === 'mmap-lock-killed') return err === 'EINTR';
  return INJECTED_ERRORS[operation.op]?.includes(err) ?? false;
}

/** What may have become of a page when a call failed. */
type Change =
  /** Nothing. */
  | 'none'
  /** Its entry and the flags of its mapping: the call got so far. */
  | 'changed'
  /** It may be unmapped, or have been mapped by a part of the call that was done. */
  | 'replaced';

/** Pages [start, end) of the window of process `p`, and what may have become of them. */
interface Effect {
  readonly p: number;
  readonly start: number;
  readonly end: number;
  readonly change: Change;
}

/**
 * The first page that is not as it was before a failed call, though the call may not have touched it; `null` when there
 * is none. What failed calls leave: earlier mappings of a range changed, pages before the failure accessed, a fixed
 * destination and a shrunk tail unmapped, earlier parts moved (spec 05 section 8), and mappings split anywhere.
 */
export function forbiddenChange(
  operation: Operation,
  arena: Arena,
  before: ScenarioState,
  after: ScenarioState,
): string | null {
  const effects = effectsOf(operation, arena, before).map((effect) => withWholeFolios(effect, after));
  const views = viewOf(before);
  const now = viewOf(after);
  for (const [p, view] of views) {
    const other = now.get(p);
    if (other === undefined) return `process ${p} is gone`;
    const found = changedPage(
      view,
      other,
      effects.filter((effect) => effect.p === p),
    );
    if (found !== null) return `process ${p}, ${found}`;
  }
  for (const p of now.keys()) if (!views.has(p)) return `process ${p} is there`;
  return null;
}

const NOTHING: PageView = { mapping: null, entry: null, isMerged: false, isLarge: false };

function changedPage(before: ProcessView, after: ProcessView, effects: readonly Effect[]): string | null {
  for (const page of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(page) ?? NOTHING;
    const is = after.get(page) ?? NOTHING;
    const change = effects.find(({ start, end }) => page >= start && page < end)?.change ?? 'none';
    if (change === 'replaced') continue;
    if (isSameEntry(was, is, change) && isSameMapping(was, is, change)) continue;
    return `page ${page}: was ${pageText(was)}; is ${pageText(is)}`;
  }
  return null;
}

function isSameEntry(was: PageView, is: PageView, change: Change): boolean {
  if (was.entry === is.entry || change === 'changed') return true;
  // A merged page may have got a copy of its own; the unused page of a large folio that was split is zero.
  return was.isMerged || (was.isLarge && is.entry === 'zero');
}

function isSameMapping(was: PageView, is: PageView, change: Change): boolean {
  return change === 'changed' ? (was.mapping === null) === (is.mapping === null) : was.mapping === is.mapping;
}

function pageText(page: PageView): string {
  return `${page.mapping ?? 'not mapped'}, ${page.entry ?? 'empty'}`;
}

function effectsOf(operation: Operation, arena: Arena, before: ScenarioState): Effect[] {
  const { p } = operation;
  const range = (addr: number, pages: number, change: Change): Effect => {
    const start = addr - arena.start;
    return { p, start, end: start + pages, change };
  };
  switch (operation.op) {
    case 'mmap': {
      const fixed = operation.flags.includes('FIXED') && operation.addr !== null;
      return fixed ? [range(arena.page(operation.addr as number), arena.pages(operation.len), 'replaced')] : [];
    }
    case 'mprotect':
    case 'madvise':
    case 'mlock':
    case 'munlock':
    case 'mseal':
    case 'touch':
    case 'pin':
    case 'uffd':
    case 'uffdwp':
    case 'uffdpoison':
      return [growth(range(arena.page(operation.addr), arena.pages(operation.len), 'changed'), before)];
    case 'mremap': {
      const { addr, oldLen, newLen, newAddr, flags } = operation;
      const start = arena.page(addr);
      const [oldPages, newPages] = [arena.pages(oldLen), arena.pages(newLen)];
      const effects: Effect[] = [];
      if (newPages < oldPages) effects.push(range(start + newPages, oldPages - newPages, 'replaced'));
      if (!flags.includes('FIXED') || newAddr === null) return effects;
      effects.push(range(arena.page(newAddr), newPages, 'replaced'));
      const parts = mappingsIn(before, p, start - arena.start, oldPages);
      if (oldPages === newPages && parts > 1) effects.push(range(start, oldPages, 'replaced'));
      return effects;
    }
    default:
      return [];
  }
}

/** A stack mapping above the range may have grown down over it. */
function growth(effect: Effect, before: ScenarioState): Effect {
  const vmas = before.procs.find(({ p }) => p === effect.p)?.vmas ?? [];
  const above = vmas.find(([start]) => start >= effect.start);
  const grows = above !== undefined && (above[6] ?? '').split(' ').includes('gd');
  return grows ? { ...effect, end: Math.max(effect.end, above[0]), change: 'replaced' } : effect;
}

/** An access inside a range can map a large folio that begins before it or ends behind it. */
function withWholeFolios(effect: Effect, after: ScenarioState): Effect {
  if (effect.change !== 'changed') return effect;
  let { start, end } = effect;
  for (const row of after.procs.find(({ p }) => p === effect.p)?.pages ?? []) {
    const [first, pages] = row;
    const overlaps = first < effect.end && first + pages > effect.start;
    if (!overlaps || !isFolioRow(row) || row[5] === 0) continue;
    start = Math.min(start, first);
    end = Math.max(end, first + pages);
  }
  return { ...effect, start, end };
}

function mappingsIn(state: ScenarioState, p: number, start: number, pages: number): number {
  const vmas = state.procs.find((process) => process.p === p)?.vmas ?? [];
  return vmas.filter(([from, to]) => from < start + pages && to > start).length;
}
