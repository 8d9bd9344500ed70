import type { PhaseBus } from './bus.js';
import type { CallEvent } from './call-events.js';
import type { FaultEvent } from './fault-events.js';
import type { MremapEvent } from './mremap-events.js';
import type { VmaEvent } from './vma-events.js';

export { type ObserverFailure, PhaseBus } from './bus.js';
export type { CallBeginEvent, CallEndEvent, CallEvent } from './call-events.js';
export type { FaultEvent } from './fault-events.js';
export type {
  MoveAccountedEvent,
  MoveBeginEvent,
  MoveCopiedEvent,
  MoveEligibilityEvent,
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

/** Everything that a kernel tells. The `type` names are public API. */
export type PhaseEvent = CallEvent | VmaEvent | FaultEvent | MremapEvent;

/** The bus of one kernel. */
export type KernelBus = PhaseBus<PhaseEvent>;
