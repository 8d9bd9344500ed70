import type { FaultInjector, KernelProfile } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import type { PhysicalMemory, SwapSpace } from '@vmakit/folio';
import type { LockTracker } from '@vmakit/locking';
import type { MmEnvironment } from '@vmakit/mm';
import type { PolicySet } from '@vmakit/mremap';
import type { Arch, TablePool, TlbCounters } from '@vmakit/pagetable';
import type { AnonVmaRegistry } from '@vmakit/rmap';
import { type Token, token } from './token.js';

/** The parts of a kernel, by the names under which its container holds them. Rebind one to replace it. */
export const ARCH: Token<Arch> = token('@vmakit/pagetable/Arch');
export const PROFILE: Token<KernelProfile> = token('@vmakit/base/KernelProfile');
export const MEMORY: Token<PhysicalMemory> = token('@vmakit/folio/PhysicalMemory');
export const SWAP: Token<SwapSpace> = token('@vmakit/folio/SwapSpace');
export const ANON_VMAS: Token<AnonVmaRegistry> = token('@vmakit/rmap/AnonVmaRegistry');
export const TABLE_POOL: Token<TablePool> = token('@vmakit/pagetable/TablePool');
export const TLB: Token<TlbCounters> = token('@vmakit/pagetable/TlbCounters');
export const BUS: Token<KernelBus> = token('@vmakit/events/KernelBus');
export const LOCKS: Token<LockTracker> = token('@vmakit/locking/LockTracker');
export const INJECTOR: Token<FaultInjector | null> = token('@vmakit/base/FaultInjector');
export const ENVIRONMENT: Token<MmEnvironment> = token('@vmakit/mm/MmEnvironment');
export const POLICIES: Token<PolicySet> = token('@vmakit/mremap/PolicySet');
