import type { KernelProfile } from '@vmakit/base';
import { type Kernel, type KernelOptions, createKernel } from '@vmakit/kernel';
import type { MmSettings, OvercommitMode, ThpMode } from '@vmakit/mm';
import type { TraceSettings } from '@vmakit/trace';

/** The profile that stands for a recorded kernel release. */
export interface ChosenProfile {
  readonly profile: KernelProfile['name'];
  /** What to tell the user when the release is none of those that a profile was made for, or not recorded. */
  readonly note: string | null;
}

/** The release that each profile was made for, as major * 1000 + minor, ascending. */
const PROFILE_RELEASES: readonly (readonly [number, KernelProfile['name']])[] = [
  [6015, 'rfc-v2'],
  [6018, 'v6.18'],
  [7003, 'v7.3'],
];

/**
 * Chooses the profile that is nearest to a release like `6.18.44`; without one, that of the recordings that we know.
 * 6.17 brought what 6.18 has in moves of several VMAs, so it counts to that.
 */
export function profileForRelease(release: string | null): ChosenProfile {
  const match = /^(\d+)\.(\d+)/.exec(release ?? '');
  if (match === null) {
    const said = release === null ? 'the recording does not name its kernel' : `the kernel release is "${release}"`;
    return { profile: 'v6.18', note: `${said}; it is taken to be like Linux 6.18` };
  }
  const version = Number(match[1]) * 1000 + Number(match[2]);
  const exact = PROFILE_RELEASES.find(([known]) => known === version);
  if (exact !== undefined) return { profile: exact[1], note: null };
  const profile = version >= 7000 ? 'v7.3' : version >= 6017 ? 'v6.18' : 'rfc-v2';
  const note = `Linux ${release} is not among the kernels that were measured; the nearest profile, ${profile}, is used`;
  return { profile, note };
}

const OVERCOMMIT: readonly OvercommitMode[] = ['guess', 'always', 'never'];

/** The settings of the recorded machine as far as they are recorded, those of the recordings' machine otherwise. */
export function settingsFrom(
  recorded: TraceSettings | null,
  pmdOrder: number,
  pageSize: number = 4096,
): Partial<MmSettings> {
  const thp = recorded?.transparentHugePages ?? 'madvise';
  const enabled: ThpMode = thp === 'always' || thp === 'never' ? thp : 'madvise';
  const settings: Partial<MmSettings> = {
    softDirty: false,
    anonymousNames: recorded?.anonVmaName ?? false,
    canLockBeyondLimit: true,
    thp: { enabled, sizes: new Map([[pmdOrder, 'inherit']]), useZeroPage: true },
  };
  if (recorded === null) return settings;
  const { maxMapCount, stackGuardGapPages, mmapMinAddr, overcommitMemory } = recorded;
  if (maxMapCount !== null) settings.maxMapCount = maxMapCount;
  if (stackGuardGapPages !== null) settings.stackGuardGap = stackGuardGapPages;
  if (mmapMinAddr !== null) settings.mmapMinPage = Math.ceil(mmapMinAddr / pageSize);
  if (overcommitMemory !== null) settings.overcommit = OVERCOMMIT[overcommitMemory] ?? 'guess';
  return settings;
}

/** A kernel like the recorded one. */
export function kernelFor(
  profile: KernelProfile['name'],
  recorded: TraceSettings | null,
  options: Pick<KernelOptions, 'policies' | 'arch'> = {},
): Kernel {
  const kernel = createKernel({ arch: 'x86-64', profile, ...options });
  const { arch } = kernel.env;
  Object.assign(kernel.env.settings, settingsFrom(recorded, arch.pmdOrder, arch.pageSize));
  return kernel;
}
