import type { SyscallEvent } from '@vmakit/trace';
import type { CallFiles } from './call-files.js';
import { type Divergence, compareResult } from './divergence.js';
import type { FileTable } from './file-table.js';
import type { ReplayOptions } from './options.js';
import { presumeMapped } from './presume.js';
import { type CallOutcome, PR_SET_VMA, runCall } from './run-call.js';
import type { FollowedProcess } from './space.js';
import type { Check, ReplayStatistics } from './statistics.js';

/** Errors by which limits of a process speak: locked memory, address space, data, a memory cgroup. */
const LIMIT_ERRORS: ReadonlySet<string> = new Set(['ENOMEM', 'EAGAIN', 'EPERM']);

/** The name of calls that a limit refused which the recording does not show. */
const UNSEEN_LIMITS = 'limits of the process';

/** Runs recorded calls on the model and judges what came of them. */
export class CallRunner {
  readonly #callFiles: CallFiles;
  readonly #files: FileTable;
  readonly #options: ReplayOptions;
  readonly #results: Check<Divergence>;
  readonly #statistics: ReplayStatistics;

  constructor(
    callFiles: CallFiles,
    files: FileTable,
    options: ReplayOptions,
    results: Check<Divergence>,
    statistics: ReplayStatistics,
  ) {
    this.#callFiles = callFiles;
    this.#files = files;
    this.#options = options;
    this.#results = results;
    this.#statistics = statistics;
  }

  /** Runs one call; false when the model has nothing to do with it. */
  run(followed: FollowedProcess, event: SyscallEvent): boolean {
    if (!this.#options.settingsKnown) learnSettings(followed, event);
    const outcome = runCall(followed.process, event, this.#callFiles, this.#options.addMremapFlags);
    if (outcome === null) {
      this.#statistics.skippedCalls++;
      return false;
    }
    const divergence = compareResult(event, outcome);
    if (divergence === null) this.#results.match();
    else this.#judge(followed, event, outcome, divergence);
    return true;
  }

  #judge(followed: FollowedProcess, event: SyscallEvent, outcome: CallOutcome, divergence: Divergence): void {
    const { blindSpot } = followed;
    const failed = outcome.refused !== null;
    if (event.errno === null && failed && blindSpot !== null) {
      this.#statistics.countUnknowable(blindSpot);
      const touched = this.#options.assume !== 'untouched';
      if (presumeMapped(followed, event, this.#files, touched)) {
        runCall(followed.process, event, this.#callFiles, this.#options.addMremapFlags);
      }
    } else if (event.errno !== null && !failed && this.#options.whatIf && event.errno === 'ENOMEM') {
      this.#statistics.callsSaved++;
      followed.callsSaved++;
    } else if (event.errno !== null && !failed && isAboutLimits(event) && isFarFromLimit(followed)) {
      this.#statistics.countUnknowable(UNSEEN_LIMITS);
      takeBack(followed, event, outcome);
    } else {
      this.#results.differ(divergence);
    }
  }
}

/** Whether a call may have failed for a limit of its process, rather than for the shape of its address space. */
function isAboutLimits(event: SyscallEvent): boolean {
  if (event.errno === null || !LIMIT_ERRORS.has(event.errno)) return false;
  switch (event.call) {
    case 'mlock':
    case 'mlock2':
    case 'mlockall':
      return true;
    case 'mmap':
    case 'shmat':
      return event.errno !== 'EPERM';
    case 'mremap':
      return event.errno !== 'EPERM' && event.args.newLength > event.args.oldLength;
    default:
      return false;
  }
}

/** So many VMAs below the most that there may be, a lack of mappings is no reason to fail. */
const ROOM = 16;

/** Whether the address space itself gave no reason to be short of memory. */
function isFarFromLimit({ process }: FollowedProcess): boolean {
  return process.mm.mapCount + ROOM < process.mm.env.settings.maxMapCount;
}

/** The program does not have what the model gave it. */
function takeBack({ process }: FollowedProcess, event: SyscallEvent, outcome: CallOutcome): void {
  if (event.call === 'mmap' && outcome.value !== null) process.munmap(outcome.value, event.args.length);
}

/** On a machine whose settings are not recorded, calls show whether names of anonymous memory are configured. */
function learnSettings({ process }: FollowedProcess, event: SyscallEvent): void {
  if (event.call !== 'prctl' || event.args.option !== PR_SET_VMA) return;
  process.mm.env.settings.anonymousNames = event.errno === null;
}
