import type { SyscallEvent } from '@vmakit/trace';
import { type StartingVma, importStarting, startingFromRecords } from './exec-import.js';
import type { FileTable } from './file-table.js';
import type { Snapshots } from './snapshots.js';
import type { ExecInProgress, FollowedProcess } from './space.js';

/**
 * A process runs a new program: its address space is thrown away and filled with what the kernel mapped. That is taken
 * from the snapshot after the execve; page offsets of anonymous memory, which maps hides, and everything when there is
 * no snapshot, from the kernel's records.
 */
export function finishExec(
  followed: FollowedProcess,
  exec: ExecInProgress | null,
  event: SyscallEvent,
  snapshots: Snapshots,
  files: FileTable,
): void {
  followed.process.exec();
  followed.stackAddress = 0;
  if (event.call === 'execve') followed.program = event.args.path;
  const records = startingFromRecords(exec?.records ?? []);
  const snapshot = snapshots.takeExec(followed.pid, event.time);
  const lines = snapshot === null ? records : refine(snapshot, records);
  for (const line of lines) importStarting(followed, files, line);
}

/** Lines of a snapshot with the page offsets of anonymous memory that records tell. */
function refine(lines: readonly StartingVma[], records: readonly StartingVma[]): StartingVma[] {
  return lines.map((line) => {
    if (line.name.startsWith('/')) return line;
    const record = records.find((candidate) => candidate.start === line.start);
    return record === undefined ? line : { ...line, offset: record.offset, faulted: line.faulted || record.faulted };
  });
}
