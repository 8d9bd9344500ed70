import type { KernelProfile } from '@vmakit/base';
import { type Kernel, type KernelOptions, createKernel } from '@vmakit/kernel';
import type { MmSettings, OvercommitMode, ThpMode } from '@vmakit/mm';
import type { TraceSettings } from '@vmakit/trace';

/** The profile that stands for a recorded kernel release. */
export interface ChosenProfile {
  readonly profile: KernelProfile['name'];
  /** The release is not one of those that a profile was made for: said to the user. */
  readonly approximate: boolean;
}

/** Chooses a profile for a release like `6.18.44`; without one, that of the recordings that we know. */
export function profileForRelease(release: string | null): ChosenProfile {
  const match = /^(\d+)\.(\d+)/.exec(release ?? '');
  if (match === null) return { profile: 'v6.18', approximate: true };
  const version = Number(match[1]) * 1000 + Number(match[2]);
  if (version >= 7000) return { profile: 'v7.3', approximate: version !== 7003 };
  if (version >= 6017) return { profile: 'v6.18', approximate: version !== 6018 };
  return { profile: 'rfc-v2', approximate: true };
}

const OVERCOMMIT: readonly OvercommitMode[] = ['guess', 'always', 'never'];

/** The settings of the recorded machine as far as they are recorded, those of the recordings' machine otherwise. */
export function settingsFrom(recorded: TraceSettings | null, pmdOrder: number): Partial<MmSettings> {
  const thp = recorded?.transparentHugePages ?? 'madvise';
  const enabled: ThpMode = thp === 'always' || thp === 'never' ? thp : 'madvise';
  return {
    softDirty: false,
    anonymousNames: recorded?.anonVmaName ?? false,
    canLockBeyondLimit: true,
    thp: { enabled, sizes: new Map([[pmdOrder, 'inherit']]), useZeroPage: true },
    ...(recorded?.maxMapCount == null ? {} : { maxMapCount: recorded.maxMapCount }),
    ...(recorded?.stackGuardGapPages == null ? {} : { stackGuardGap: recorded.stackGuardGapPages }),
    ...(recorded?.mmapMinAddr == null ? {} : { mmapMinPage: Math.ceil(recorded.mmapMinAddr / 4096) }),
    ...(recorded?.overcommitMemory == null ? {} : { overcommit: OVERCOMMIT[recorded.overcommitMemory] ?? 'guess' }),
  };
}

/** A kernel like the recorded one. */
export function kernelFor(
  profile: KernelProfile['name'],
  recorded: TraceSettings | null,
  options: Pick<KernelOptions, 'policies'> = {},
): Kernel {
  const kernel = createKernel({ arch: 'x86-64', profile, ...options });
  Object.assign(kernel.env.settings, settingsFrom(recorded, kernel.env.arch.pmdOrder));
  return kernel;
}
