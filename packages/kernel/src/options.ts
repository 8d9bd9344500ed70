import { type FaultInjector, KERNEL_PROFILES, type KernelProfile } from '@vmakit/base';
import type { LockTracker } from '@vmakit/locking';
import type { MmSettings } from '@vmakit/mm';
import type { MremapPolicy } from '@vmakit/mremap';
import { type Arch, type PagesToFolioEnd, createArch } from '@vmakit/pagetable';

/** What a kernel is made of. Everything has a default: an x86-64 machine with Linux 7.3 and no policy. */
export interface KernelOptions {
  /** An architecture, or the name of one: `x86-64`, `arm64-16k`... */
  readonly arch?: Arch | string;
  /** A kernel profile, or the name of one. */
  readonly profile?: KernelProfile | KernelProfile['name'];
  /** Policies in the order in which they are asked. */
  readonly policies?: readonly MremapPolicy[];
  readonly settings?: Partial<MmSettings>;
  /** Decides which allocations and trylocks fail. */
  readonly injector?: FaultInjector | null;
  /** Is told of every lock; the default does nothing. */
  readonly locks?: LockTracker;
  /** Frames of the machine; the default is more than any recording needs. Memory is taken as it is used. */
  readonly memoryFrames?: number;
  /** Pages of the swap device, its header included; the default is more than any program needs. */
  readonly swapPages?: number;
  /**
   * The window of recorded scenarios, page numbers: when the kernel chooses an address everything outside counts as
   * taken.
   */
  readonly window?: { readonly start: number; readonly end: number } | null;
}

/** The options with every name looked up. */
export interface ResolvedOptions {
  readonly arch: Arch;
  readonly profile: KernelProfile;
}

/**
 * Looks up names. An architecture that is given by name asks `pagesToFolioEnd` before it folds entries.
 *
 * @throws {TypeError} naming the option that is unknown
 */
export function resolveOptions(options: KernelOptions, pagesToFolioEnd: PagesToFolioEnd): ResolvedOptions {
  const { arch: asked = 'x86-64' } = options;
  const arch = typeof asked === 'object' ? asked : createArch(asked, { pagesToFolioEnd });
  const name = options.profile ?? 'v7.3';
  const profile = typeof name === 'object' ? name : KERNEL_PROFILES[name];
  if (profile === undefined) {
    const known = Object.keys(KERNEL_PROFILES).join(', ');
    throw new TypeError(`profile: there is no kernel profile ${JSON.stringify(name)}; there are ${known}`);
  }
  return { arch, profile };
}
