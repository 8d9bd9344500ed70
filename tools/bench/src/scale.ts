import { MADV_NOHUGEPAGE } from '@vmakit/mm';
import { ARENA_A as A0, ARENA_B as B0, GIB, Machine, PAGE, RW } from './machine.js';

/** VMAs of the state, pages in each, and the distance from one to the next: they never merge. */
const VMAS = 1_000_000;
const PAGES_EACH = 16;
const STRIDE = (PAGES_EACH + 1) * PAGE;
/** Bytes that are touched all in all. */
const TOUCHED: number = 64 * GIB;
/** The process may take so much. */
const LIMIT_BYTES: number = 2 * GIB;

/** What `--only` calls it. */
export const SCALE_NAME = 'M3 scale';

/** What a large state costs the process that has it. */
export interface ScaleResult {
  readonly name: string;
  readonly vmas: number;
  readonly touchedPages: number;
  /** The most that was resident at any time, the engine and all garbage with it. */
  readonly peakBytes: number;
  readonly limitBytes: number;
}

/** A million VMAs that never merge and 64 GiB of touched small pages: 16 in each VMA, the rest in one more. */
export function buildScale(): ScaleResult {
  const machine = new Machine();
  machine.kernel.env.settings.maxMapCount = VMAS + 1;
  for (let i = 0; i < VMAS - 1; i++) {
    machine.map(A0 + i * STRIDE, PAGES_EACH * PAGE, RW);
    machine.touch(A0 + i * STRIDE, PAGES_EACH * PAGE);
  }
  const rest = TOUCHED - (VMAS - 1) * PAGES_EACH * PAGE;
  machine.map(B0, rest, RW);
  machine.advise(B0, rest, MADV_NOHUGEPAGE);
  machine.touch(B0, rest);
  const { mm } = machine.process;
  return {
    name: SCALE_NAME,
    vmas: mm.mapCount,
    touchedPages: mm.rssAnon,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    limitBytes: LIMIT_BYTES,
  };
}
