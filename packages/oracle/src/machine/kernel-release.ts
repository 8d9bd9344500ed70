import { type KernelProfile } from '@vmakit/base';

/** The first two numbers of `uname -r`. */
export interface KernelRelease {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** Reads `6.18.44-...`; null when it does not begin with two numbers. */
export function parseRelease(text: string): KernelRelease | null {
  const match = /^(\d+)\.(\d+)/.exec(text.trim());
  if (match === null) return null;
  return { text: text.trim(), major: Number(match[1]), minor: Number(match[2]) };
}

/** A profile for a kernel, and in what way it does not quite fit; `note` null: it is the very one. */
export interface ProfileChoice {
  readonly name: KernelProfile['name'];
  readonly note: string | null;
}

/** The releases whose behaviour has a profile, oldest first. */
const KNOWN: readonly { readonly major: number; readonly minor: number; readonly name: KernelProfile['name'] }[] = [
  { major: 6, minor: 15, name: 'rfc-v2' },
  { major: 6, minor: 18, name: 'v6.18' },
  { major: 7, minor: 3, name: 'v7.3' },
];

/** Releases in a row: the last of 6 was 6.19, so that 7.0 came one after it. */
function ordinal(release: { readonly major: number; readonly minor: number }): number {
  return release.major * 20 + release.minor;
}

/** The profile of a kernel release: its own, else the nearest (of two equally near ones the older). */
export function chooseProfile(release: KernelRelease): ProfileChoice {
  const at = ordinal(release);
  let [nearest] = KNOWN;
  for (const known of KNOWN) {
    if (nearest === undefined || Math.abs(ordinal(known) - at) < Math.abs(ordinal(nearest) - at)) nearest = known;
  }
  if (nearest === undefined) throw new RangeError('release: no profile is known');
  if (ordinal(nearest) === at) return { name: nearest.name, note: null };
  const version = `${release.major}.${release.minor}`;
  const note = `Linux ${version} has no profile of its own; taken for ${nearest.name}, the nearest`;
  return { name: nearest.name, note };
}
