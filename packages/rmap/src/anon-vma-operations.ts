import {
  type FaultInjector,
  InvariantError,
  type KernelProfile,
  NONE,
  VM_ACCESS,
  VM_MAYBE_GUARD,
  VM_SOFTDIRTY,
  equalFlags,
} from '@vmakit/base';
import type { PhysicalMemory } from '@vmakit/folio';
import type { LockTracker } from '@vmakit/locking';
import type { AnonVma, RmapVma, RmapVmaTable } from './anon-vma.js';
import { insertLink, isChainSingular, removeLink } from './anon-vma-links.js';
import { ANON_VMA_FIELDS, LINK_COUNT, NUM_ACTIVE_VMAS, NUM_CHILDREN, PARENT_ID, REFCOUNT } from './anon-vma-numbers.js';
import type { AnonVmaRegistry } from './anon-vma-registry.js';

/** Flags that merging ignores when comparing and or-s into the result: spec 01 section 2, STICKY. */
export const STICKY_FLAGS: number = VM_SOFTDIRTY | VM_MAYBE_GUARD;

/** What the reverse-mapping operations work with. */
export interface RmapContext {
  readonly profile: KernelProfile;
  readonly anonVmas: AnonVmaRegistry;
  readonly memory: PhysicalMemory;
  readonly injector: FaultInjector | null;
  readonly locks: LockTracker;
}

function newLinkFails(context: RmapContext): boolean {
  return context.injector !== null && context.injector.fails('anon-vma-chain-alloc');
}

function newAnonVmaFails(context: RmapContext): boolean {
  return context.injector !== null && context.injector.fails('anon-vma-alloc');
}

/**
 * Gives the VMA in `row` an anon_vma of its own if it has none: a compatible neighbour's (next first, then previous),
 * else a new one. Spec 03 section 2, prepare.
 *
 * @returns false when memory ran out; nothing has changed then.
 */
export function anonVmaPrepare(context: RmapContext, table: RmapVmaTable, row: number): boolean {
  if (table.anonVmaSlot(row) !== NONE) return true;
  if (newLinkFails(context)) return false;
  const { anonVmas, locks } = context;
  const lent = findMergeableAnonVma(anonVmas, table, row);
  if (lent === NONE && newAnonVmaFails(context)) return false;
  const slot = lent === NONE ? anonVmas.createRoot() : lent;
  if (locks.enabled) acquireRoot(context, slot);
  table.setAnonVmaSlot(row, slot);
  addLink(anonVmas, table, row, slot);
  (anonVmas.numbers[slot * ANON_VMA_FIELDS + NUM_ACTIVE_VMAS] as number)++;
  if (locks.enabled) releaseRoot(context, slot);
  return true;
}

/** Takes the lock of the family of the anon_vma in `slot`. */
function acquireRoot({ anonVmas, locks }: RmapContext, slot: number): void {
  locks.acquire('anon-vma', anonVmas.idOf(anonVmas.rootOf(slot)), 'write');
}

function releaseRoot({ anonVmas, locks }: RmapContext, slot: number): void {
  locks.release('anon-vma', anonVmas.idOf(anonVmas.rootOf(slot)));
}

/**
 * The slot of the anon_vma of a neighbour that the VMA in `row` could share so that the two can merge later; `NONE` if
 * there is none. The next neighbour is asked first. Userfaultfd and names are not compared, a forked parent's is taken
 * (spec 03 section 2).
 *
 * @param prev the rows of the neighbours, if others than the VMA has are meant; `NONE`: none
 */
export function findMergeableAnonVma(
  anonVmas: AnonVmaRegistry,
  table: RmapVmaTable,
  row: number,
  prev: number = table.prev(row),
  next: number = table.next(row),
): number {
  if (next !== NONE && lendsAnonVma(anonVmas, table, next, row, next)) return table.anonVmaSlot(next);
  if (prev !== NONE && lendsAnonVma(anonVmas, table, prev, prev, row)) return table.anonVmaSlot(prev);
  return NONE;
}

/** Whether the anon_vma of `neighbour`, one of two VMAs beside each other, can be shared with the other. */
function lendsAnonVma(
  anonVmas: AnonVmaRegistry,
  table: RmapVmaTable,
  neighbour: number,
  low: number,
  high: number,
): boolean {
  const end = table.end(low);
  if (end !== table.start(high) || table.anonVmaSlot(neighbour) === NONE) return false;
  const pages = end - table.start(low);
  return (
    anonVmas.links.isSingular(table.chain(neighbour)) &&
    table.haveSameBacking(low, high) &&
    equalFlags(table.flags(low), table.flags(high), VM_ACCESS | STICKY_FLAGS) &&
    table.pageOffset(high) === table.pageOffset(low) + pages &&
    table.anonPageOffset(high) === table.anonPageOffset(low) + pages
  );
}

/**
 * Links the VMA in row `target` to every anon_vma that the one in row `source` is linked to, which it has the anon_vma
 * of already: a split or a remap copied the VMA, a merge has set it just before. Spec 03 section 2, clone.
 *
 * @returns false when memory ran out; `target` has no links and no anon_vma then.
 */
export function anonVmaClone(context: RmapContext, table: RmapVmaTable, target: number, source: number): boolean {
  if (table.anonVmaSlot(source) === NONE) return true;
  if (!cloneLinks(context, table, target, table, source, false)) return false;
  const slot = table.anonVmaSlot(target);
  if (slot === NONE) throw new InvariantError('a cloned VMA has its anon_vma set', { target, source });
  (context.anonVmas.numbers[slot * ANON_VMA_FIELDS + NUM_ACTIVE_VMAS] as number)++;
  return true;
}

/**
 * Copies links. Each copy is pushed at the head of the new list, from the old list's head on, so that the list is
 * reversed each time (7.3), or from its tail on, so that it keeps its order (before). Spec 03 section 2, clone.
 *
 * @param forks an anon_vma that may be used again becomes that of the target, if it has none
 */
function cloneLinks(
  context: RmapContext,
  targets: RmapVmaTable,
  target: number,
  sources: RmapVmaTable,
  source: number,
  forks: boolean,
): boolean {
  const { anonVmas, locks } = context;
  const { links } = anonVmas;
  const first = sources.chain(source);
  if (context.injector !== null && cloneFails(context, first)) {
    targets.setAnonVmaSlot(target, NONE);
    targets.setChain(target, NONE);
    return false;
  }
  if (locks.enabled) acquireRoot(context, sources.anonVmaSlot(source));
  if (context.profile.cloneReversesChain || links.next(first) === NONE) {
    for (let link = first; link !== NONE; link = links.next(link)) {
      cloneLink(anonVmas, targets, target, links.slot(link), forks);
    }
  } else {
    const slots: number[] = [];
    for (let link = first; link !== NONE; link = links.next(link)) slots.push(links.slot(link));
    for (const slot of slots.toReversed()) cloneLink(anonVmas, targets, target, slot, forks);
  }
  if (locks.enabled) releaseRoot(context, sources.anonVmaSlot(source));
  return true;
}

/** Whether memory runs out for one of the links that a clone makes of those from `first` on. */
function cloneFails(context: RmapContext, first: number): boolean {
  const { links } = context.anonVmas;
  for (let link = first; link !== NONE; link = links.next(link)) if (newLinkFails(context)) return true;
  return false;
}

/** Links the VMA in `row` to the anon_vma in `slot`: at the head of its list. */
function addLink(anonVmas: AnonVmaRegistry, table: RmapVmaTable, row: number, slot: number): void {
  const link = anonVmas.links.make(table, row, slot, table.chain(row));
  table.setChain(row, link);
  insertLink(anonVmas, link);
}

/** A copy of one link, to the anon_vma in `slot`. */
function cloneLink(anonVmas: AnonVmaRegistry, table: RmapVmaTable, target: number, slot: number, forks: boolean): void {
  addLink(anonVmas, table, target, slot);
  if (!forks || table.anonVmaSlot(target) !== NONE) return;
  const { numbers } = anonVmas;
  const at = slot * ANON_VMA_FIELDS;
  if (!isReusable(numbers[at + NUM_ACTIVE_VMAS] as number, numbers[at + NUM_CHILDREN] as number)) return;
  table.setAnonVmaSlot(target, slot);
  (numbers[at + NUM_ACTIVE_VMAS] as number)++;
}

/** An inactive anon_vma with at most one child may be taken over by a forked VMA (spec 03 section 2, reuse test). */
function isReusable(activeVmas: number, children: number): boolean {
  return activeVmas === 0 && children <= 1;
}

/**
 * Gives the VMA of a forked child, which is in row `child` of `children`, its links: to all anon_vmas of the parent's,
 * which is in row `parent` of `parents`, and one of its own, reused or new (spec 03 section 2, fork).
 *
 * @returns false when memory ran out; the child VMA is unlinked then.
 */
export function anonVmaFork(
  context: RmapContext,
  children: RmapVmaTable,
  child: number,
  parents: RmapVmaTable,
  parent: number,
): boolean {
  const own = parents.anonVmaSlot(parent);
  if (own === NONE) return true;
  children.setAnonVmaSlot(child, NONE);
  children.setChain(child, NONE);
  if (context.injector !== null && (newAnonVmaFails(context) || newLinkFails(context))) return false;
  if (!cloneLinks(context, children, child, parents, parent, true)) return false;
  if (children.anonVmaSlot(child) !== NONE) return true;
  const { anonVmas, locks } = context;
  const slot = anonVmas.createChild(own);
  children.setAnonVmaSlot(child, slot);
  if (locks.enabled) acquireRoot(context, slot);
  addLink(anonVmas, children, child, slot);
  if (locks.enabled) releaseRoot(context, slot);
  return true;
}

/**
 * Cuts the VMA in `row` off from every anon_vma; those left without links are freed (spec 03 section 2,
 * unlink_anon_vmas).
 */
export function unlinkAnonVmas(context: RmapContext, table: RmapVmaTable, row: number): void {
  const active = table.anonVmaSlot(row);
  if (active === NONE) return;
  const { anonVmas, locks } = context;
  const { links, numbers } = anonVmas;
  const root = anonVmas.rootOf(active);
  if (locks.enabled) acquireRoot(context, root);
  const first = table.chain(row);
  for (let link = first; link !== NONE; link = links.next(link)) {
    removeLink(anonVmas, link);
    const at = links.slot(link) * ANON_VMA_FIELDS;
    if (numbers[at + LINK_COUNT] !== 0) continue;
    const parent = anonVmas.slotOf(numbers[at + PARENT_ID] as number);
    (numbers[parent * ANON_VMA_FIELDS + NUM_CHILDREN] as number)--;
  }
  (numbers[active * ANON_VMA_FIELDS + NUM_ACTIVE_VMAS] as number)--;
  table.setAnonVmaSlot(row, NONE);
  table.setChain(row, NONE);
  if (locks.enabled) releaseRoot(context, root);
  for (let link = first; link !== NONE;) {
    const next = links.next(link);
    const slot = links.slot(link);
    if (numbers[slot * ANON_VMA_FIELDS + LINK_COUNT] === 0) put(anonVmas, slot);
    links.giveBack(link);
    link = next;
  }
}

/** Takes one more reference: a walker, or KSM. */
export function getAnonVma(anonVma: AnonVma): void {
  anonVma.refcount++;
}

/** Gives a reference back; at none the anon_vma is freed, and with a descendant its reference on the root. */
export function putAnonVma(context: RmapContext, anonVma: AnonVma): void {
  put(context.anonVmas, anonVma.slot);
}

function put(anonVmas: AnonVmaRegistry, slot: number): void {
  const at = slot * ANON_VMA_FIELDS + REFCOUNT;
  const left = ((anonVmas.numbers[at] as number) -= 1);
  if (left > 0) return;
  const root = anonVmas.rootOf(slot);
  anonVmas.remove(slot);
  if (root !== slot) put(anonVmas, root);
}

/**
 * A VMA of a forked child, judged by its links: it has an anon_vma but not exactly one link. Stays so for the life of
 * the VMA (spec 02 section 2).
 */
export function isForkChild(vma: RmapVma): boolean {
  return vma.anonVmaSlot !== NONE && !isChainSingular(vma);
}

/**
 * Whether folios of the VMA in `row` may be shared with another process: it has links to several anon_vmas, or its
 * anon_vma has children besides itself (spec 06 section 3).
 */
export function maybeShared(anonVmas: AnonVmaRegistry, table: RmapVmaTable, row: number): boolean {
  const slot = table.anonVmaSlot(row);
  if (slot === NONE) return false;
  if (!anonVmas.links.isSingular(table.chain(row))) return true;
  const children = anonVmas.numbers[slot * ANON_VMA_FIELDS + NUM_CHILDREN] as number;
  return children > (anonVmas.rootOf(slot) === slot ? 1 : 0);
}
