import { WANT_COUNTS, WANT_FLAGS, WANT_LOCKED, WANT_MAPS } from '../driver/protocol.js';

/** How often what is dear to read is read. Mappings and entries of the acting process are, after every operation. */
export interface Thoroughness {
  /** Flags of the mappings after every n-th operation; 1: always. They are read at the end anyhow. */
  readonly flagsEvery: number;
  /** Locked pages, map counts and flags of frames after every operation; at the end they are read anyhow. */
  readonly everything: boolean;
}

/** Reading flags costs three times as much as all the rest of an operation. */
export const FAST: Thoroughness = { flagsEvery: 32, everything: false };
export const THOROUGH: Thoroughness = { flagsEvery: 1, everything: true };

/** What is read after operation `index`. */
export function wantAfter(index: number, how: Thoroughness): number {
  if (how.everything) return WANT_EVERYTHING;
  return (index + 1) % how.flagsEvery === 0 ? WANT_MAPS | WANT_FLAGS : WANT_MAPS;
}

/** What is read of every living process when a program is over. */
export const WANT_EVERYTHING: number = WANT_MAPS | WANT_FLAGS | WANT_COUNTS | WANT_LOCKED;
