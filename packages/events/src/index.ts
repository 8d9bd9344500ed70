export { type ObserverFailure, PhaseBus } from './bus.js';
export type { CallBeginEvent, CallEndEvent, CallEvent } from './call-events.js';
export type { FaultEvent } from './fault-events.js';
export type {
  MoveAccountedEvent,
  MoveBeginEvent,
  MoveCopiedEvent,
  MoveEligibilityEvent,
  MoveScanEvent,
  MoveEndEvent,
  MoveLockEvent,
  MoveRollbackEvent,
  MremapBeginEvent,
  MremapCheckedEvent,
  MremapEndEvent,
  MremapEvent,
  MremapInPlaceEvent,
  MremapPhase,
  RelocationBeginEvent,
  RelocationEndEvent,
  RelocationProgressEvent,
  RelocationUndoEvent,
  TablesMovedEvent,
} from './mremap-events.js';
export type { MergeKind, MergeRefusalEvent, MergeTriedEvent, SplitEvent, VmaEvent } from './vma-events.js';
export type { KernelBus, PhaseEvent } from './phase-event.js';
