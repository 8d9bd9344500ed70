import { shmdt } from '@vmakit/mm';
import { MREMAP_FIXED, MREMAP_MAYMOVE } from '@vmakit/mremap';
import type { SyscallEvent } from '@vmakit/trace';
import type { CallFiles } from './call-files.js';
import { type Divergence, compareResult } from './divergence.js';
import type { FileTable } from './file-table.js';
import type { ReplayOptions } from './options.js';
import { presumeMapped } from './presume.js';
import { type StepListener, protectInSteps } from './protect-in-steps.js';
import { type CallOutcome, PR_SET_VMA, runCall } from './run-call.js';
import { type FollowedProcess, UNSEEN_BEFORE, hidesCalls } from './space.js';
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

  /**
   * Runs one call; false when the model has nothing to do with it. `onStep` is told of each VMA that the call has
   * changed when it changes several.
   */
  run(followed: FollowedProcess, event: SyscallEvent, onStep: StepListener | null): boolean {
    learnSettings(followed, event, this.#options.settingsKnown);
    const outcome =
      onStep !== null && (event.call === 'mprotect' || event.call === 'pkey_mprotect')
        ? protectInSteps(followed.process, event, onStep)
        : runCall(followed.process, event, this.#callFiles, this.#options.addMremapFlags);
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
    } else if (blindSpot === UNSEEN_BEFORE || hidesCalls(blindSpot)) {
      // Where memory ends, and what it was registered for, shows in no call that is recorded.
      this.#statistics.countUnknowable(blindSpot as string);
      takeBack(followed, event, outcome);
    } else if (!failed && this.#options.whatIf && event.errno === 'ENOMEM' && this.#mayHaveBeenFull(followed)) {
      this.#statistics.callsSaved++;
      followed.callsSaved++;
    } else if (!failed && isAboutLimits(event) && isFarFromLimit(followed)) {
      this.#statistics.countUnknowable(UNSEEN_LIMITS);
      takeBack(followed, event, outcome);
    } else {
      this.#results.differ(divergence);
    }
  }

  /** Whether the recorded process may have had as many VMAs as there may be: a call makes two more at most. */
  #mayHaveBeenFull({ vmasAtStart }: FollowedProcess): boolean {
    return vmasAtStart + 2 * this.#statistics.calls + ROOM >= this.#options.mapLimit;
  }
}

/** Whether a call may have failed for a limit of its process, rather than for the shape of its address space. */
function isAboutLimits(event: SyscallEvent): boolean {
  // A break that was refused stays where it was.
  if (event.call === 'brk') return event.result !== null && event.result < event.args.address;
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
  const { value } = outcome;
  if (event.errno === null && event.call !== 'brk') return;
  switch (event.call) {
    case 'mmap':
      if (value !== null) process.munmap(value, event.args.length);
      break;
    case 'mlock':
    case 'mlock2':
      process.munlock(event.args.address, event.args.length);
      break;
    case 'mlockall':
      process.munlockall();
      break;
    case 'shmat':
      if (value !== null) shmdt(process.mm, value);
      break;
    case 'brk':
      if (event.result !== null) process.brk(event.result);
      break;
    case 'mremap': {
      const { oldAddress, oldLength, newLength } = event.args;
      if (value === oldAddress) process.mremap(oldAddress, newLength, oldLength, 0);
      else if (value !== null) process.mremap(value, newLength, oldLength, MREMAP_MAYMOVE | MREMAP_FIXED, oldAddress);
      break;
    }
    default:
      break;
  }
}

/** What the result of a call tells about the machine that is not recorded otherwise. */
function learnSettings({ process }: FollowedProcess, event: SyscallEvent, settingsKnown: boolean): void {
  const { settings, arch } = process.mm.env;
  if (event.call === 'mmap' && event.result !== null && event.result < settings.mmapMinPage * arch.pageSize) {
    // Root may map below vm.mmap_min_addr.
    settings.mmapMinPage = Math.floor(event.result / arch.pageSize);
  } else if (event.call === 'prctl' && event.args.option === PR_SET_VMA && !settingsKnown) {
    settings.anonymousNames = event.errno === null;
  }
}
