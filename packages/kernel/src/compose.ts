import { PhaseBus, type PhaseEvent } from '@vmakit/events';
import { PhysicalMemory, SwapSpace } from '@vmakit/folio';
import { NO_LOCK_TRACKER } from '@vmakit/locking';
import { MmEnvironment } from '@vmakit/mm';
import { PolicySet } from '@vmakit/mremap';
import { type PagesToFolioEnd, TablePool, TlbCounters } from '@vmakit/pagetable';
import { AnonVmaRegistry } from '@vmakit/rmap';
import { type KernelOptions, resolveOptions } from './options.js';
import { type Container, bind, createContainer, get } from './token.js';
import * as tokens from './tokens.js';

/**
 * A container with every part of a kernel bound, and nothing made yet: bind a token again to replace a part, then give
 * the container to `createKernelFrom`.
 */
export function composeKernel(options: KernelOptions = {}): Container {
  const container = createContainer();
  // Asked only while the kernel runs, when its memory has long been made.
  let memory: PhysicalMemory | undefined;
  const pagesToFolioEnd: PagesToFolioEnd = (pfn) => (memory ??= get(container, tokens.MEMORY)).pagesToFolioEnd(pfn);
  const { arch, profile } = resolveOptions(options, pagesToFolioEnd);
  const limit = options.memoryFrames;
  bind(container, tokens.ARCH, () => arch);
  bind(container, tokens.PROFILE, () => profile);
  bind(container, tokens.BUS, () => new PhaseBus<PhaseEvent>());
  bind(container, tokens.LOCKS, () => options.locks ?? NO_LOCK_TRACKER);
  bind(container, tokens.INJECTOR, () => options.injector ?? null);
  bind(container, tokens.ANON_VMAS, () => new AnonVmaRegistry());
  bind(container, tokens.TLB, () => new TlbCounters());
  bind(container, tokens.TABLE_POOL, (from) => new TablePool(get(from, tokens.ARCH)));
  bind(container, tokens.MEMORY, (from) => {
    const maxOrder = get(from, tokens.ARCH).pmdOrder;
    return new PhysicalMemory(limit === undefined ? { maxOrder } : { maxOrder, limitFrames: limit });
  });
  const { swapPages } = options;
  const swapOptions = swapPages === undefined ? {} : { limitSlots: swapPages };
  bind(container, tokens.SWAP, (from) => new SwapSpace(get(from, tokens.MEMORY), swapOptions));
  bind(
    container,
    tokens.ENVIRONMENT,
    (from) =>
      new MmEnvironment({
        arch: get(from, tokens.ARCH),
        profile: get(from, tokens.PROFILE),
        memory: get(from, tokens.MEMORY),
        swap: get(from, tokens.SWAP),
        anonVmas: get(from, tokens.ANON_VMAS),
        tablePool: get(from, tokens.TABLE_POOL),
        tlb: get(from, tokens.TLB),
        bus: get(from, tokens.BUS),
        locks: get(from, tokens.LOCKS),
        injector: get(from, tokens.INJECTOR),
        settings: options.settings ?? {},
      }),
  );
  bind(container, tokens.POLICIES, (from) => new PolicySet(options.policies ?? [], get(from, tokens.ENVIRONMENT)));
  return container;
}
