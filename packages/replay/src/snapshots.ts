import type { RecordedEvent } from '@vmakit/trace';
import type { LayoutCheck } from './divergence.js';
import { type StartingVma, importStarting } from './exec-import.js';
import type { FileTable } from './file-table.js';
import { type LayoutLine, compareLayouts, layoutOf } from './layout.js';
import type { ReplayOptions } from './options.js';
import type { ExecDone, FollowedProcess } from './space.js';

/** When a snapshot was taken: just after an execve, when attached, at the end, or at the entry of exit_group. */
export type SnapshotKind = 'exec' | 'start' | 'end' | 'exit';

/** Process of a snapshot that does not say whose it is: the first one that could be meant. */
export const ANY_PID = -1;

/** `/proc/PID/maps` (and smaps) of a recorded process at some time. */
export interface Snapshot {
  readonly pid: number;
  readonly kind: SnapshotKind;
  /** Name of the file it was read from. */
  readonly file: string;
  readonly lines: readonly StartingVma[];
  /** When reading it began and ended, seconds of the recording's clock; null: not known. */
  readonly begin: number | null;
  readonly time: number | null;
}

/** Above this byte address is the kernel: `[vsyscall]` is no VMA. */
const KERNEL_ADDRESSES = 2 ** 57;

/** The snapshots of a recording: where processes start, and what the model is compared with. */
export class Snapshots {
  /** Snapshots that were compared. */
  readonly checks: LayoutCheck[] = [];
  readonly #options: ReplayOptions;
  readonly #exec: Snapshot[];
  readonly #final: Snapshot[];
  /** The earliest time at which a final snapshot is due. */
  #due: number;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#exec = options.snapshots.filter(({ kind }) => kind === 'exec');
    this.#final = options.snapshots.filter(({ kind }) => kind === 'exit' || kind === 'end');
    this.#due = this.#earliest();
  }

  /** Snapshots that were never compared: the recording does not show the process or its end. */
  get left(): readonly Snapshot[] {
    return this.#final;
  }

  /** Whether a snapshot was taken before `event`. */
  isDue(event: RecordedEvent): boolean {
    return event.time > this.#due;
  }

  /**
   * The layout of `pid` after an execve, if a snapshot shows it: one that was taken before the process went on. A
   * snapshot without a time belongs to the first execve of a program that it names.
   */
  takeExec(pid: number, done: ExecDone, nextTime: number): readonly StartingVma[] | null {
    const at = this.#exec.findIndex(
      (snapshot) =>
        isOf(snapshot, pid) &&
        (snapshot.begin === null ? names(snapshot, done.path) : snapshot.begin >= done.time && snapshot.begin <= nextTime),
    );
    return at < 0 ? null : (this.#exec.splice(at, 1)[0] as Snapshot).lines;
  }

  /** Fills a process that the recording was attached to. */
  importStart(followed: FollowedProcess, files: FileTable): void {
    for (const line of this.#options.start?.lines ?? []) importStarting(followed, files, line);
  }

  /** Compares `followed` with its snapshots taken before `time`. */
  compareUntil(followed: FollowedProcess, time: number): void {
    this.#compare(followed, (snapshot) => snapshot.time !== null && snapshot.time < time);
  }

  /** Compares `followed`, which ends, with the first of its snapshots that are left. */
  compareFinal(followed: FollowedProcess): void {
    let first = true;
    this.#compare(followed, () => {
      const take = first;
      first = false;
      return take;
    });
  }

  #compare(followed: FollowedProcess, isDue: (snapshot: Snapshot) => boolean): void {
    const kept: Snapshot[] = [];
    const due: Snapshot[] = [];
    for (const snapshot of this.#final) {
      (isOf(snapshot, followed.pid) && followed.started && isDue(snapshot) ? due : kept).push(snapshot);
    }
    if (due.length === 0) return;
    this.#final.splice(0, this.#final.length, ...kept);
    this.#due = this.#earliest();
    for (const snapshot of due) this.checks.push(this.#check(followed, snapshot));
  }

  #check(followed: FollowedProcess, snapshot: Snapshot): LayoutCheck {
    const { assume, maxDetails } = this.#options;
    const expected = snapshot.lines.filter(({ start }) => start < KERNEL_ADDRESSES).map(asLayoutLine);
    const actual = layoutOf(followed.process.mm, followed.stackAddress);
    const fromText = assume !== 'recorded';
    const all = compareLayouts(expected, actual, { noFaults: fromText, unlinkedLater: true });
    const differences = all.filter(({ unknowable }) => unknowable === null);
    const unknowable: Record<string, number> = {};
    for (const { unknowable: name } of all) if (name !== null) unknowable[name] = (unknowable[name] ?? 0) + 1;
    return {
      pid: followed.pid,
      file: snapshot.file,
      matched: differences.length === 0,
      vmas: expected.length,
      differences: differences.slice(0, maxDetails),
      differing: differences.length,
      wronglyTouched: fromText ? countWronglyTouched(followed, snapshot) : 0,
      unknowable,
    };
  }

  #earliest(): number {
    let earliest = Infinity;
    for (const { time } of this.#final) if (time !== null && time < earliest) earliest = time;
    return earliest;
  }
}

/** Whether a layout can be that of a program: it is mapped there, or how it was called is not known. */
function names(snapshot: Snapshot, path: string | null): boolean {
  if (path === null) return true;
  const base = path.slice(path.lastIndexOf('/') + 1);
  return snapshot.lines.some(({ name }) => name.slice(name.lastIndexOf('/') + 1) === base);
}

function isOf(snapshot: Snapshot, pid: number): boolean {
  return snapshot.pid === pid || snapshot.pid === ANY_PID;
}

/** VMAs that smaps shows to be untouched and that the model was told to touch. */
function countWronglyTouched(followed: FollowedProcess, snapshot: Snapshot): number {
  const { mm } = followed.process;
  const bytes = mm.env.arch.pageSize;
  let count = 0;
  for (const line of snapshot.lines) {
    if (line.untouched === true && (mm.tree.at(line.start / bytes)?.anonVma ?? null) !== null) count++;
  }
  return count;
}

function asLayoutLine(line: StartingVma): LayoutLine {
  const { start, end, permissions, inode, name } = line;
  const isFile = name.startsWith('/');
  return { start, end, permissions, offset: isFile ? (line.offset ?? 0) : 0, inode: isFile ? inode : 0, name };
}
