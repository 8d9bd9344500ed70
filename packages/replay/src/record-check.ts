import { VM_ACCESS } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import type { Mmap2Event } from '@vmakit/trace';
import type { Vma } from '@vmakit/vma-merge';
import { type Divergence, recordDivergence } from './divergence.js';
import type { ReplayOptions } from './options.js';
import type { FollowedProcess } from './space.js';
import type { Check, ReplayStatistics } from './statistics.js';

/** The name of calls of which only the kernel's words about VMAs were still recorded. */
const CUT_OFF = 'calls under way when the recording ended';

/** The name of what depends on memory having been touched, where that is not recorded. */
const UNSEEN_FAULTS = 'merges that depend on page faults';

/** Checks the kernel's words about single VMAs against the model. */
export class RecordChecker {
  readonly #options: ReplayOptions;
  readonly #records: Check<Divergence>;
  readonly #statistics: ReplayStatistics;
  /** Differences that count only if the recording goes on: recorders stop listening to calls first. */
  #undecided: Divergence[] = [];

  constructor(options: ReplayOptions, records: Check<Divergence>, statistics: ReplayStatistics) {
    this.#options = options;
    this.#records = records;
    this.#statistics = statistics;
  }

  /** Checks a word from inside a call. */
  check(followed: FollowedProcess, record: Mmap2Event): void {
    const difference = this.#compare(followed, record);
    if (difference !== null) this.#records.differ(difference);
  }

  /** Checks a word that came while no call was seen to be under way. */
  checkOutside(followed: FollowedProcess, record: Mmap2Event): void {
    const difference = this.#compare(followed, record);
    if (difference !== null) this.#undecided.push(difference);
  }

  /** Whether differences wait for a decision. */
  get isUndecided(): boolean {
    return this.#undecided.length > 0;
  }

  /** Calls are still recorded. */
  decide(): void {
    for (const difference of this.#undecided) this.#records.differ(difference);
    this.#undecided = [];
  }

  /** The recording is over. */
  finish(): void {
    if (this.isUndecided) this.#statistics.countUnknowable(CUT_OFF, this.#undecided.length);
    this.#undecided = [];
  }

  #compare(followed: FollowedProcess, record: Mmap2Event): Divergence | null {
    const { mm } = followed.process;
    const bytes = mm.env.arch.pageSize;
    const vma = mm.tree.at(record.start / bytes);
    const start = vma === null ? -1 : vma.start * bytes;
    const length = vma === null ? 0 : vma.pages * bytes;
    const offset = vma === null ? 0 : vma.pageOffset * bytes;
    if (start === record.start && length === record.length && offset === record.pageOffsetBytes) {
      this.#records.match();
      return null;
    }
    if (this.#options.whatIf && isMappedAlike(mm, record.start / bytes, (record.start + record.length) / bytes)) {
      this.#statistics.mergedFurther++;
      this.#records.match();
      return null;
    }
    if (followed.blindSpot !== null) {
      this.#statistics.countUnknowable(followed.blindSpot);
      return null;
    }
    if (this.#options.assume !== 'recorded' && vma !== null) {
      this.#statistics.countUnknowable(UNSEEN_FAULTS);
      return null;
    }
    return recordDivergence(record, vma === null ? null : { start, length, offset });
  }
}

/** Whether a range of pages is mapped from end to end with the same access: only what has merged may differ. */
function isMappedAlike(mm: Mm, start: number, end: number): boolean {
  const first = mm.tree.at(start);
  if (first === null) return false;
  let page = start;
  for (let vma: Vma | null = first; vma !== null && vma.start <= page; vma = vma.next) {
    if (((vma.flags ^ first.flags) & VM_ACCESS) !== 0 || vma.file !== first.file) return false;
    page = vma.end;
    if (page >= end) return true;
  }
  return false;
}
