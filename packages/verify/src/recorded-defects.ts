import type { RelocationTrace, ScenarioHeader } from '@vmakit/trace';

/** Something that the recorded series does wrong: it leaves a folio astray. */
interface RecordedDefect {
  /** The defect is there: its repair is not on, or the recording is known to be inconsistent. */
  readonly isIn: (header: Pick<ScenarioHeader, 'repairs' | 'inconsistent'>) => boolean;
  /** The count of a relocating call that tells that it struck. */
  readonly sign: keyof RelocationTrace & string;
}

/** A folio that keeps an offset or an anon_vma that does not fit where it is mapped (spec 06 section 6). */
const STRAY_FOLIO: ReadonlySet<string> = new Set(['S4.1', 'S4.7', 'S4.8']);

function without(repair: string, sign: RecordedDefect['sign']): RecordedDefect {
  return { isIn: ({ repairs }) => !(repairs as readonly string[]).includes(repair), sign };
}

/**
 * FORMAT.md, "Repairs", and the known faults that no repair covers. Not `swap`: the recorder's swap is synchronous, so
 * that entries which are passed over have no page anywhere.
 */
const DEFECTS: readonly RecordedDefect[] = [
  without('pinned', 'pinnedSkipped'),
  without('shared', 'sharedSkipped'),
  without('undoAfterMove', 'undoneAfterMoveFailure'),
  without('partialLargeFolio', 'pteLargeFolioMoved'),
  { isIn: ({ inconsistent }) => inconsistent === 'largeFolio', sign: 'pteLargeFolioMoved' },
];

/**
 * What the recorded kernel itself breaks in a scenario, so that a model which does the same must break it too. An
 * invariant is excused only when the series lacks the repair, and only from the relocating call on that tells in its
 * counts that the defect struck.
 */
export class RecordedDefects {
  readonly #possible: readonly RecordedDefect[];
  #struck = false;

  constructor(header: Pick<ScenarioHeader, 'repairs' | 'inconsistent'>) {
    this.#possible = DEFECTS.filter(({ isIn }) => isIn(header));
  }

  /** An operation was done: its counts. */
  see(trace: RelocationTrace | null): void {
    if (trace === null || this.#struck) return;
    this.#struck = this.#possible.some(({ sign }) => (trace[sign] ?? 0) > 0);
  }

  /** Whether a broken invariant is the recorded kernel's own doing. */
  excuses(invariant: string): boolean {
    return this.#struck && STRAY_FOLIO.has(invariant);
  }
}
