import { WANT_COUNTS, WANT_FLAGS, WANT_MAPS } from '../driver/protocol.js';

/** How often what is dear to read is read. Mappings and entries of the acting process are, after every operation. */
export interface Thoroughness {
  /** Flags of the mappings and locked pages after every n-th operation; 1: always. They are read at the end anyhow. */
  readonly flagsEvery: number;
  /** Map counts and flags of frames after every operation; at the end they are read anyhow. */
  readonly counts: boolean;
}

/** Reading flags costs three times as much as all the rest of an operation. */
export const FAST: Thoroughness = { flagsEvery: 8, counts: false };
export const THOROUGH: Thoroughness = { flagsEvery: 1, counts: true };

/** What is read after operation `index`. */
export function wantAfter(index: number, how: Thoroughness): number {
  const flags = (index + 1) % how.flagsEvery === 0 ? WANT_FLAGS : 0;
  return WANT_MAPS | flags | (how.counts ? WANT_COUNTS : 0);
}

/** What is read of every living process when a program is over. */
export const WANT_EVERYTHING: number = WANT_MAPS | WANT_FLAGS | WANT_COUNTS;
