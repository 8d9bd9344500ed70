import { NONE } from '@vmakit/base';
import { type Mm, splitFolio, splitHugePmd } from '@vmakit/mm';
import type { AnonVma } from '@vmakit/rmap';
import { type Vma, type VmaTable, mergeExistingRange } from '@vmakit/vma-merge';
import type { FolioJournal } from './folio-journal.js';
import { FolioWalk } from './folio-walk.js';
import { Leaf, LeafKind } from './leaf.js';
import { type WalkRange, walkLeaves } from './leaf-walk.js';
import type { DestinationMerge, DestinationMergeResult, FolioSplit, LeafVisitor, Move } from './move.js';
import type { RemapOperation } from './operation.js';
import type { HookName } from './policy-error.js';
import type { BoundPolicy } from './policy-set.js';

const NOT_MERGED: DestinationMergeResult = { merged: false, includesSource: false, replacedSource: false };
/** Most relocated memory merges so: what is the same each time is made once. */
const MERGED: DestinationMergeResult = { merged: true, includesSource: false, replacedSource: false };

const LAST_MERGE: readonly HookName[] = ['lastMerge'];
const ANY_TIME: readonly HookName[] = ['decide', 'beforeCopy', 'afterCopy', 'leaf', 'afterMove', 'undo'];

/**
 * The engine's side of {@link Move}: what each method does, and the check that its moment is right. Begun anew for each
 * move, as the operation that it belongs to.
 */
export class PolicyMove implements Move {
  mm!: Mm;
  call = 0;
  flags = 0;
  sourceRow: number = NONE;
  destinationRow: number = NONE;
  from = 0;
  to = 0;
  oldPages = 0;
  newPages = 0;
  keepsSource = false;
  part = 0;
  failedAt = 0;
  /** The slot of {@link heldRoot}; {@link NONE}: no root is held. */
  heldRootSlot: number = NONE;
  /** The policy that is asked, and its hook that is running. */
  policy = '';
  moment: HookName | null = null;
  readonly journal: FolioJournal;
  /** The walk with folio locks; null before `afterCopy`. */
  walk: FolioWalk | null = null;
  staleSourceAfterMerge = false;
  readonly #walk: FolioWalk;
  readonly #range = { start: 0, end: 0, shift: 0 };

  constructor(journal: FolioJournal) {
    this.journal = journal;
    this.#walk = new FolioWalk(this);
  }

  /** Engine only: the move that `op` has come to, before anybody acts. */
  begin(op: RemapOperation): void {
    this.mm = op.mm;
    this.call = op.call;
    this.flags = op.flags;
    this.sourceRow = op.row;
    this.destinationRow = NONE;
    this.from = op.address;
    this.to = op.newAddress;
    this.oldPages = op.oldPages;
    this.newPages = op.newPages;
    this.keepsSource = op.keepsSource;
    this.part = op.part;
    this.failedAt = op.address;
    this.heldRootSlot = NONE;
    this.moment = null;
    this.walk = null;
  }

  get table(): VmaTable {
    return this.mm.tree.table;
  }

  get source(): Vma {
    return this.table.view(this.sourceRow);
  }

  get destination(): Vma | null {
    return this.table.viewOrNull(this.destinationRow);
  }

  /** Engine only: the id of the anon_vma of the VMA in `row`; 0, which is no id: unfaulted. */
  anonVmaIdOf(row: number): number {
    return this.mm.anonVmas.idOrZero(this.table.anonVmaSlot(row));
  }

  get heldRoot(): AnonVma | null {
    return this.heldRootSlot === NONE ? null : this.mm.anonVmas.inSlot(this.heldRootSlot);
  }

  get rewritten(): number {
    return this.journal.restored ? 0 : this.journal.length;
  }

  /** Engine only: what is walked; the same object each time. */
  get range(): WalkRange {
    const range = this.#range;
    range.start = this.from;
    range.end = this.from + this.oldPages;
    range.shift = this.to - this.from;
    return range;
  }

  /** Engine only: the destination exists, a walk of the policy's `leaf` may begin. */
  prepareWalk(bound: BoundPolicy, holdFolios: boolean): FolioWalk {
    this.walk = this.#walk;
    this.walk.begin(bound, holdFolios);
    return this.walk;
  }

  scan(visit: LeafVisitor): boolean {
    this.#require('scan', ANY_TIME);
    const { bus } = this.mm.env;
    if (!bus.observed) return this.#look(visit);
    let entries = 0;
    const done = this.#look((leaf) => {
      entries++;
      return visit(leaf);
    });
    const { call, mm, from } = this;
    bus.emit({ type: 'mremap.scan', call, process: mm.id, start: from, end: from + this.oldPages, entries });
    return done;
  }

  #look(visit: LeafVisitor): boolean {
    const nothing = (): void => undefined;
    return walkLeaves(this.mm, this.range, new Leaf(), { lockedTable: 0, runs: null, visit, tableDone: nothing });
  }

  walkAgain(from: number = this.from, end: number = this.from + this.oldPages): boolean {
    this.#require('walkAgain', ['undo']);
    const { walk } = this;
    if (walk === null) return true;
    walk.releaseFolios();
    const { range } = this;
    const within = { ...range, start: Math.max(from, range.start), end: Math.min(end, range.end) };
    return walk.run(within, false);
  }

  frameAt(page: number): number {
    const { pages, env } = this.mm;
    const table = pages.lookup(0, page);
    if (table === 0) return -1;
    const words = pages.pool.words(table);
    const at = pages.entryAt(table, 0, page);
    return env.arch.isPresent(words, at) ? env.arch.pfn(words, at, 0) : -1;
  }

  swapCached(leaf: Leaf): number {
    if (leaf.kind !== LeafKind.Swap) return -1;
    const frame = this.mm.env.swap.cache[leaf.offset] ?? 0;
    return frame === 0 ? -1 : this.mm.env.memory.headOf(frame);
  }

  neighbours(): { readonly before: Vma | null; readonly after: Vma | null } {
    const { tree } = this.mm;
    const end = this.to + this.newPages;
    const { destination } = this;
    const after = destination === null ? tree.find(this.to) : destination.next;
    const before = destination !== null ? destination.prev : after === null ? tree.last : after.prev;
    return {
      before: before !== null && before.end === this.to ? before : null,
      after: after !== null && after.start === end ? after : null,
    };
  }

  rewriteFolio(head: number, index: number): void {
    this.#requireLocked('rewriteFolio', head, index);
    const { memory } = this.mm.env;
    this.journal.remember(memory, head);
    // The anon_vma first, then the offset: a walker without the folio lock may see one without the other.
    memory.mapping[head] = this.anonVmaIdOf(this.destinationRow);
    memory.index[head] = index;
    (this.walk as FolioWalk).changed = true;
  }

  returnFolio(head: number, index: number): void {
    this.#require('returnFolio', ['undo']);
    this.#requireLocked('returnFolio', head, index);
    const { memory } = this.mm.env;
    memory.mapping[head] = this.anonVmaIdOf(this.sourceRow);
    memory.index[head] = index;
    (this.walk as FolioWalk).changed = true;
  }

  restoreFolios(): void {
    this.#require('restoreFolios', ['undo']);
    this.journal.restore(this.mm.env.memory);
  }

  splitFolio(head: number): FolioSplit {
    this.#requireLocked('splitFolio', head, 0);
    const { env } = this.mm;
    const { anonVmas } = env;
    const slot = anonVmas.slotOf(env.memory.mapping[head] as number);
    if (slot !== NONE && anonVmas.rootOf(slot) === this.heldRootSlot) return 'would-deadlock';
    const walk = this.walk as FolioWalk;
    walk.dropTableLock();
    env.memory.get(head);
    const split = splitFolio(env, head) === null;
    env.memory.put(head);
    if (split) walk.splits++;
    return split ? 'split' : 'failed';
  }

  splitHugeEntry(page: number): void {
    this.#require('splitHugeEntry', ['leaf', 'undo']);
    splitHugePmd(this.mm, this.source, page);
    (this.walk as FolioWalk).splits++;
  }

  mergeDestination(how: DestinationMerge): DestinationMergeResult {
    this.#require('mergeDestination', LAST_MERGE);
    const { mm, table, sourceRow: source, destinationRow: row } = this;
    const request = mm.mergeRequest;
    request.begin('relocated', table.start(row), table.end(row), table.pageOffset(row), table.flags(row));
    request.anonPageOffset = table.anonPageOffset(row);
    request.takeAttributes(row);
    request.middleRow = row;
    const prev = table.prev(row);
    const next = table.next(row);
    const keptApart = how.withSource ? NONE : source;
    if (prev !== keptApart) request.prevRow = prev;
    if (next !== keptApart) request.nextRow = next;
    // As posted, the call goes on with a VMA that may be gone: here with what that looked like, frozen, in no tree and
    // never given back.
    const stale = this.staleSourceAfterMerge ? table.duplicate(table, source) : NONE;
    const merged = mergeExistingRange(mm.env, request);
    if (merged === NONE) return NOT_MERGED;
    const includesSource = (request.mergedLeft && prev === source) || (request.mergedRight && next === source);
    const replacedSource = !table.isAttached(source);
    this.destinationRow = merged;
    if (replacedSource) this.sourceRow = stale === NONE ? merged : stale;
    return includesSource || replacedSource ? { merged: true, includesSource, replacedSource } : MERGED;
  }

  /** A folio may be changed only while the walk holds its lock. */
  #requireLocked(method: string, head: number, index: number): void {
    const { walk } = this;
    if (walk === null || walk.lockedHead !== head || head < 0) {
      this.#require(method, ['leaf']);
      throw new TypeError(`head: ${method} needs the folio of the current leaf, not ${head}`);
    }
    if (!(index >= 0) || !Number.isSafeInteger(index)) {
      throw new TypeError(`index: ${index} is not a page offset (${method})`);
    }
  }

  #require(method: string, moments: readonly HookName[]): void {
    const { moment } = this;
    if (moment === moments[0] || (moment !== null && moments.includes(moment))) return;
    throw new TypeError(`${method} may be called in ${moments.join(', ')}, not in ${moment ?? 'no hook'}`);
  }
}
