import type { PhaseBus } from './bus.js';
import type { CallEvent } from './call-events.js';
import type { FaultEvent } from './fault-events.js';
import type { MremapEvent } from './mremap-events.js';
import type { VmaEvent } from './vma-events.js';

/** Everything that a kernel tells. The `type` names are public API. */
export type PhaseEvent = CallEvent | VmaEvent | FaultEvent | MremapEvent;

/** The bus of one kernel. */
export type KernelBus = PhaseBus<PhaseEvent>;
