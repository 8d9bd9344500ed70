import type { MmError } from '@vmakit/base';
import type { TablesMovedEvent } from '@vmakit/events';
import type { VmaCopy } from '@vmakit/vma-merge';
import type { RemapOperation } from './operation.js';
import type { TableMove } from './table-move.js';

/*
 * The events of one move. Callers ask `bus.observed` first.
 */

export function emitCopied(op: RemapOperation, copy: VmaCopy): void {
  const { merged, needRmapLocks } = copy;
  const { table } = op.mm.tree;
  const vma = table.view(copy.row);
  op.mm.env.bus.emit({
    type: 'mremap.copied',
    call: op.call,
    process: op.mm.id,
    start: vma.start,
    end: vma.end,
    pageOffset: vma.pageOffset,
    merged,
    fresh: !merged && vma.anonVmaSlot !== table.anonVmaSlot(copy.sourceRow),
    needRmapLocks,
    anonVma: vma.anonVma?.id ?? null,
  });
}

export function emitTables(
  op: RemapOperation,
  move: TableMove,
  direction: TablesMovedEvent['direction'],
  progress: number,
): void {
  const { pages, puds, pmds, hugePmds, hugePmdsSplit, ptes, steps, tlbFlushes } = move;
  const [from, to] = direction === 'forward' ? [op.address, op.newAddress] : [op.newAddress, op.address];
  op.mm.env.bus.emit({
    type: 'mremap.tables',
    call: op.call,
    process: op.mm.id,
    direction,
    from,
    to,
    pages,
    progress,
    puds,
    pmds,
    hugePmds,
    hugePmdsSplit,
    ptes,
    steps,
    tlbFlushes,
  });
}

export function emitRollback(
  op: RemapOperation,
  step: 'copy' | 'tables' | 'policy' | 'unmap-source',
  error: MmError,
): void {
  op.mm.env.bus.emit({ type: 'mremap.rollback', call: op.call, process: op.mm.id, step, errno: error.errno });
}

export function emitAccounted(op: RemapOperation): void {
  const { mm, call } = op;
  const { totalVm, lockedVm } = mm;
  mm.env.bus.emit({
    type: 'mremap.accounted',
    call,
    process: mm.id,
    totalVm,
    lockedVm,
    committed: mm.env.committed,
  });
}
