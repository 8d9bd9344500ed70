import type { Mmap2Event } from '@vmakit/trace';
import { type Divergence, recordDivergence } from './divergence.js';
import type { ReplayOptions } from './options.js';
import type { FollowedProcess } from './space.js';
import type { Check, ReplayStatistics } from './statistics.js';

/** Checks the kernel's word about one VMA against the model at this moment. */
export function checkRecord(
  followed: FollowedProcess,
  record: Mmap2Event,
  options: ReplayOptions,
  records: Check<Divergence>,
  statistics: ReplayStatistics,
): void {
  const { mm } = followed.process;
  const bytes = mm.env.arch.pageSize;
  const vma = mm.tree.at(record.start / bytes);
  const have =
    vma === null ? null : { start: vma.start * bytes, length: vma.pages * bytes, offset: vma.pageOffset * bytes };
  if (
    have !== null &&
    have.start === record.start &&
    have.length === record.length &&
    have.offset === record.pageOffsetBytes
  ) {
    records.match();
    return;
  }
  const end = record.start + record.length;
  if (options.whatIf && have !== null && have.start <= record.start && have.start + have.length >= end) {
    statistics.mergedFurther++;
    records.match();
  } else if (followed.blindSpot !== null) {
    statistics.countUnknowable(followed.blindSpot);
  } else {
    records.differ(recordDivergence(record, have));
  }
}
