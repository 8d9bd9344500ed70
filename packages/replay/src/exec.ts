import type { PageFaultEvent } from '@vmakit/trace';
import { type StartingVma, importStarting, startingFromRecords } from './exec-import.js';
import type { FileTable } from './file-table.js';
import type { Snapshots } from './snapshots.js';
import { type ExecDone, type FollowedProcess, UNSEEN_32_BIT, UNSEEN_EXEC } from './space.js';

/**
 * A process runs a new program: its address space is thrown away and filled with what the kernel mapped. That is taken
 * from the snapshot after the execve; page offsets of anonymous memory, which maps hides, and everything when there is
 * no snapshot, from the kernel's records.
 *
 * @param nextTime of the next event of the process: it stood still until then
 * @returns the faults that the kernel took in the new space meanwhile
 */
export function finishExec(
  followed: FollowedProcess,
  done: ExecDone,
  nextTime: number,
  snapshots: Snapshots,
  files: FileTable,
): readonly PageFaultEvent[] {
  followed.process.exec();
  followed.stackAddress = 0;
  followed.program = done.path ?? followed.program;
  const records = startingFromRecords(done.exec.records);
  const lines = snapshots.takeExec(followed.pid, done, nextTime);
  followed.unseen = lines !== null || showsData(records) ? null : UNSEEN_EXEC;
  if (isBelow4G(records)) followed.unseen = UNSEEN_32_BIT;
  followed.presumed.length = 0;
  followed.silentThreads.clear();
  for (const line of lines === null ? records : refine(lines, records)) importStarting(followed, files, line);
  return done.exec.faults;
}

/** Whether records show more than code: without its option -d perf keeps no others. */
function showsData(records: readonly StartingVma[]): boolean {
  return records.some(({ permissions }) => !permissions.includes('x'));
}

/** Whether records of an execve show a 32-bit program: even its stack is in the lowest 4 GiB. */
function isBelow4G(records: readonly StartingVma[]): boolean {
  const highest = records.at(-1);
  return highest !== undefined && highest.end <= 2 ** 32;
}

/** Lines of a snapshot with the page offsets of anonymous memory that records tell. */
function refine(lines: readonly StartingVma[], records: readonly StartingVma[]): StartingVma[] {
  return lines.map((line) => {
    if (line.name.startsWith('/')) return line;
    const record = records.find((candidate) => candidate.start === line.start);
    return record === undefined ? line : { ...line, offset: record.offset, faulted: line.faulted || record.faulted };
  });
}
