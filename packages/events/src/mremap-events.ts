/**
 * The phases of one mremap call. All numbers are pages unless the name says otherwise; `call` numbers the calls of a
 * kernel, so that a consumer can follow one. `mremap.begin` and `mremap.end` always pair, and so do
 * `mremap.move-begin` and `mremap.move-end`, and `relocation.begin` and `relocation.end`: also when a call fails.
 */
export interface MremapPhase {
  readonly call: number;
  readonly process: number;
}

/** A call begins. `newAddress` is null when the kernel chooses; lengths are as given, rounded up to pages. */
export interface MremapBeginEvent extends MremapPhase {
  readonly type: 'mremap.begin';
  readonly address: number;
  readonly oldPages: number;
  readonly newPages: number;
  readonly newAddress: number | null;
  /** Names without `MREMAP_`. */
  readonly flags: readonly string[];
}

/** The checks of one VMA (a whole call, or one part of a move of several) are over: spec 05 section 3. */
export interface MremapCheckedEvent extends MremapPhase {
  readonly type: 'mremap.checked';
  readonly start: number;
  readonly resize: 'none' | 'shrink' | 'expand';
  /** The rule that refused; null when all passed. */
  readonly refusedBy: string | null;
  readonly errno: string | null;
}

/** The mapping was resized without being moved. */
export interface MremapInPlaceEvent extends MremapPhase {
  readonly type: 'mremap.in-place';
  readonly start: number;
  readonly oldPages: number;
  readonly newPages: number;
}

/** One VMA, or a part of one, is about to be moved. */
export interface MoveBeginEvent extends MremapPhase {
  readonly type: 'mremap.move-begin';
  readonly from: number;
  readonly to: number;
  readonly oldPages: number;
  readonly newPages: number;
}

/** A policy was asked whether it takes the move. */
export interface MoveEligibilityEvent extends MremapPhase {
  readonly type: 'mremap.eligibility';
  readonly policy: string;
  readonly decision: 'take' | 'pass' | 'refuse';
  readonly reason: string;
}

/** A policy looked at the entries of the source, to decide: at how many, before it had seen enough. */
export interface MoveScanEvent extends MremapPhase {
  readonly type: 'mremap.scan';
  readonly start: number;
  readonly end: number;
  readonly entries: number;
}

/**
 * The destination exists. `merged`: it is part of a neighbour; `fresh`: made without an anon_vma, as if never moved.
 */
export interface MoveCopiedEvent extends MremapPhase {
  readonly type: 'mremap.copied';
  readonly start: number;
  readonly end: number;
  readonly pageOffset: number;
  readonly merged: boolean;
  readonly fresh: boolean;
  readonly needRmapLocks: boolean;
  /** The anon_vma of the destination; null: unfaulted. */
  readonly anonVma: number | null;
}

/** A lock that protects folios or their walkers was taken or given back. */
export interface MoveLockEvent extends MremapPhase {
  readonly type: 'mremap.lock';
  readonly lockClass: 'vma' | 'i-mmap' | 'anon-vma';
  readonly id: number;
  readonly taken: boolean;
}

/** Everything that one pass over the page tables moved, by level. */
export interface TablesMovedEvent extends MremapPhase {
  readonly type: 'mremap.tables';
  readonly direction: 'forward' | 'back';
  readonly from: number;
  readonly to: number;
  readonly pages: number;
  /** Pages of the range passed before the pass ended; less than `pages` when it failed. */
  readonly progress: number;
  readonly puds: number;
  readonly pmds: number;
  readonly hugePmds: number;
  readonly hugePmdsSplit: number;
  readonly ptes: number;
  readonly steps: number;
  readonly tlbFlushes: number;
}

/** A policy begins to work on what is mapped in the range. */
export interface RelocationBeginEvent extends MremapPhase {
  readonly type: 'relocation.begin';
  readonly policy: string;
  readonly anonVma: number;
  readonly from: number;
  readonly to: number;
  readonly pages: number;
}

/** One page table was walked. */
export interface RelocationProgressEvent extends MremapPhase {
  readonly type: 'relocation.progress';
  readonly policy: string;
  /** False while taking back. */
  readonly forward: boolean;
  readonly start: number;
  readonly end: number;
  readonly entries: number;
  readonly folios: number;
}

/** What was done is being taken back. */
export interface RelocationUndoEvent extends MremapPhase {
  readonly type: 'relocation.undo';
  readonly policy: string;
  /** Why: the walk stopped at page `at`, the page tables could not be moved, or the policy itself broke. */
  readonly because: 'walk' | 'tables' | 'broken';
  readonly at: number;
}

/** The policy's work on the range is over. */
export interface RelocationEndEvent extends MremapPhase {
  readonly type: 'relocation.end';
  readonly policy: string;
  readonly outcome: 'done' | 'undone';
  readonly folios: number;
}

/** What follows a failing step: spec 05 section 8. */
export interface MoveRollbackEvent extends MremapPhase {
  readonly type: 'mremap.rollback';
  readonly step: 'copy' | 'tables' | 'policy' | 'unmap-source';
  readonly errno: string;
}

/** The accounts after a move: pages, totals of the address space, and what the whole system has promised. */
export interface MoveAccountedEvent extends MremapPhase {
  readonly type: 'mremap.accounted';
  readonly totalVm: number;
  readonly lockedVm: number;
  readonly committed: number;
}

/** A move is over. */
export interface MoveEndEvent extends MremapPhase {
  readonly type: 'mremap.move-end';
  readonly from: number;
  readonly to: number;
  readonly errno: string | null;
}

/** The call is over: `result` is the address as a page number, or `errno` and `rule` say why not. */
export interface MremapEndEvent extends MremapPhase {
  readonly type: 'mremap.end';
  readonly result: number | null;
  readonly errno: string | null;
  readonly rule: string | null;
}

/** What happens inside mremap. */
export type MremapEvent =
  | MremapBeginEvent
  | MremapCheckedEvent
  | MremapInPlaceEvent
  | MoveBeginEvent
  | MoveEligibilityEvent
  | MoveScanEvent
  | MoveCopiedEvent
  | MoveLockEvent
  | TablesMovedEvent
  | RelocationBeginEvent
  | RelocationProgressEvent
  | RelocationUndoEvent
  | RelocationEndEvent
  | MoveRollbackEvent
  | MoveAccountedEvent
  | MoveEndEvent
  | MremapEndEvent;
