import { VM_GROWSDOWN } from '@vmakit/base';
import type { RecordedEvent } from '@vmakit/trace';
import type { LayoutCheck } from './divergence.js';
import type { StartingVma } from './exec-import.js';
import { type LayoutLine, type UnknowableRules, compareLayouts, isSameMemory, layoutOf } from './layout.js';
import type { ReplayOptions } from './options.js';
import { isPresumed } from './presume.js';
import { AFTER_SAVED_CALL, type ExecDone, type FollowedProcess, hidesCalls } from './space.js';

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

/** A comparison of a snapshot of which it is not said whose it is. */
interface Candidate {
  readonly snapshot: Snapshot;
  readonly check: LayoutCheck;
}

/** The snapshots of a recording: where processes start, and what the model is compared with. */
export class Snapshots {
  /** Snapshots that were compared. */
  readonly checks: LayoutCheck[] = [];
  readonly #options: ReplayOptions;
  readonly #exec: Snapshot[];
  readonly #final: Snapshot[];
  /** The best comparison so far of each snapshot that may be any process's. */
  readonly #best: Map<Snapshot, Candidate> = new Map();
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
    return this.#takeStarting(
      (snapshot) =>
        isOf(snapshot, pid) &&
        (snapshot.begin === null
          ? names(snapshot, done.path)
          : snapshot.begin >= done.exec.startTime && snapshot.begin <= nextTime),
    );
  }

  /** The layout of a process that had begun before the recording: one given by hand, of no particular time. */
  takeStart(pid: number): readonly StartingVma[] | null {
    return this.#takeStarting((snapshot) => isOf(snapshot, pid) && snapshot.begin === null);
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
    for (const snapshot of this.#final) {
      if (snapshot.pid === ANY_PID) this.#considerFor(followed, snapshot);
    }
  }

  /** The recording is over: a snapshot of which nobody said whose it is belongs to the process that is most like it. */
  compareBest(): void {
    for (const [snapshot, { check }] of this.#best) {
      this.checks.push(check);
      this.#final.splice(this.#final.indexOf(snapshot), 1);
    }
  }

  #takeStarting(fits: (snapshot: Snapshot) => boolean): readonly StartingVma[] | null {
    const at = this.#exec.findIndex(fits);
    return at < 0 ? null : (this.#exec.splice(at, 1)[0] as Snapshot).lines;
  }

  #considerFor(followed: FollowedProcess, snapshot: Snapshot): void {
    const check = this.#check(followed, snapshot);
    const best = this.#best.get(snapshot);
    if (
      best !== undefined &&
      best.check.differing + sum(best.check.unknowable) <= check.differing + sum(check.unknowable)
    ) {
      return;
    }
    this.#best.set(snapshot, { snapshot, check });
  }

  #compare(followed: FollowedProcess, isDue: (snapshot: Snapshot) => boolean): void {
    const kept: Snapshot[] = [];
    const due: Snapshot[] = [];
    for (const snapshot of this.#final) {
      (snapshot.pid === followed.pid && followed.started && isDue(snapshot) ? due : kept).push(snapshot);
    }
    if (due.length === 0) return;
    this.#final.splice(0, this.#final.length, ...kept);
    this.#due = this.#earliest();
    for (const snapshot of due) this.checks.push(this.#check(followed, snapshot));
  }

  #check(followed: FollowedProcess, snapshot: Snapshot): LayoutCheck {
    const { assume, maxDetails, whatIf } = this.#options;
    const expected = snapshot.lines.filter(({ start }) => start < KERNEL_ADDRESSES).map(asLayoutLine);
    const actual = layoutOf(followed.process.mm, followed.stackAddress);
    const fromText = assume !== 'recorded';
    const rules: UnknowableRules = {
      noFaults: fromText,
      unlinkedLater: true,
      blindSpot: followed.blindSpot,
      blindToCalls: hidesCalls(followed.blindSpot),
      growsDown: (address) => growsDown(followed, address),
      isPresumed: (start, end) => isPresumed(followed, start, end),
    };
    const all = compareLayouts(expected, actual, rules);
    const differences = all.filter(({ unknowable }) => unknowable === null);
    const unknowable: Record<string, number> = {};
    const count = (name: string, by: number): void => void (unknowable[name] = (unknowable[name] ?? 0) + by);
    for (const { unknowable: name } of all) if (name !== null) count(name, 1);
    const mergedFurther = whatIf && differences.length > 0 && isSameMemory(expected, actual, rules);
    const saved = whatIf && differences.length > 0 && !mergedFurther && followed.callsSaved > 0;
    if (saved) count(AFTER_SAVED_CALL, differences.length);
    const excused = mergedFurther || saved;
    return {
      pid: followed.pid,
      file: snapshot.file,
      matched: excused || differences.length === 0,
      mergedFurther,
      vmas: expected.length,
      differences: excused ? [] : differences.slice(0, maxDetails),
      differing: excused ? 0 : differences.length,
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

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
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

function growsDown({ process }: FollowedProcess, address: number): boolean {
  const { tree, env } = process.mm;
  return ((tree.at(address / env.arch.pageSize)?.flags ?? 0) & VM_GROWSDOWN) !== 0;
}

function asLayoutLine(line: StartingVma): LayoutLine {
  const { start, end, permissions, inode, name } = line;
  const isFile = name.startsWith('/');
  return { start, end, permissions, offset: isFile ? (line.offset ?? 0) : 0, inode: isFile ? inode : 0, name };
}
