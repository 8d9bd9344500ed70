import { PG_ANON, PG_KSM } from '@vmakit/folio';
import type { RmapVma } from './anon-vma.js';
import { forEachOverlap } from './anon-vma-links.js';
import type { RmapContext } from './anon-vma-operations.js';

/**
 * Visits one VMA that may map a folio. `page` is where page `first` of the folio would be; `first` is 0 unless the
 * folio begins before the VMA. Gives false to stop the walk.
 */
export type RmapVisitor = (vma: RmapVma, page: number, first: number) => boolean;

/**
 * Visits every VMA that may map the anonymous folio `head`, through the anon_vma that it points to, in the order of
 * that anon_vma's tree. A VMA that is visited need not map the folio; one that maps it and is not visited is a bug
 * (spec 03 section 5). The folio is locked by the caller.
 *
 * @param anonVmaLocked the caller holds the lock of the anon_vma's root; else it is taken for reading
 * @returns false when the folio points to no living anon_vma, so that nothing could be visited.
 */
export function rmapWalkAnon(context: RmapContext, head: number, visit: RmapVisitor, anonVmaLocked = false): boolean {
  const { memory, locks } = context;
  if (((memory.flags[head] as number) & (PG_ANON | PG_KSM)) !== PG_ANON) return false;
  const anonVma = context.anonVmas.byId(memory.mapping[head] as number);
  if (anonVma === undefined) return false;
  const start = memory.index[head] as number;
  const last = start + (1 << (memory.order[head] as number)) - 1;
  const locking = locks.enabled && !anonVmaLocked;
  if (locking) locks.acquire('anon-vma', anonVma.root.id, 'read');
  forEachOverlap(anonVma, start, last, (vma) => {
    const skipped = Math.max(0, vma.anonPageOffset - start);
    return visit(vma, vma.start + (start + skipped - vma.anonPageOffset), skipped);
  });
  if (locking) locks.release('anon-vma', anonVma.root.id);
  return true;
}
