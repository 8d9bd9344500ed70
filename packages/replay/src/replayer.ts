import type { Kernel } from '@vmakit/kernel';
import { FAULT_SIGSEGV } from '@vmakit/mm';
import type {
  BirthEvent,
  ExitEvent,
  Mmap2Event,
  PageFaultEvent,
  RecordedEvent,
  SyscallEvent,
  SyscallStartEvent,
} from '@vmakit/trace';
import { assumeTouched } from './assume.js';
import { CallFiles } from './call-files.js';
import { type Divergence, compareResult, recordDivergence } from './divergence.js';
import { finishExec } from './exec.js';
import { importStarting, startingFromRecords } from './exec-import.js';
import { FileTable } from './file-table.js';
import { type KernelObjects, countObjects, noObjects } from './objects.js';
import type { ReplayOptions } from './options.js';
import { type CallOutcome, runCall } from './run-call.js';
import { Snapshots } from './snapshots.js';
import { type CallInProgress, FollowedProcess } from './space.js';
import { Check, ReplayStatistics } from './statistics.js';
import { collectUnmerged, type UnmergedGroups } from './unmerged.js';

/**
 * Does on the model what a recording says, event by event, and checks itself against the recording: results of calls,
 * the kernel's records of VMAs, snapshots of whole layouts.
 */
export class Replayer {
  readonly kernel: Kernel;
  readonly options: ReplayOptions;
  readonly statistics: ReplayStatistics = new ReplayStatistics();
  readonly results: Check<Divergence>;
  readonly records: Check<Divergence>;
  readonly snapshots: Snapshots;
  readonly unmerged: UnmergedGroups = new Map();
  /** Kernel objects of all processes, each at its end. */
  readonly objects: KernelObjects = noObjects();
  /** Every process followed, the dead ones too, in order of appearance. */
  readonly history: FollowedProcess[] = [];
  readonly files: FileTable;
  readonly #callFiles: CallFiles;
  /** Living processes by pid. */
  readonly #followed: Map<number, FollowedProcess> = new Map();
  readonly #underWay: Map<number, CallInProgress> = new Map();
  readonly #pageSize: number;
  /** Processes with an execve that is not settled. */
  #execsToFinish = 0;
  #lastPid = -1;
  #last: FollowedProcess | null = null;

  constructor(kernel: Kernel, options: ReplayOptions) {
    this.kernel = kernel;
    this.options = options;
    this.files = new FileTable(kernel);
    this.#callFiles = new CallFiles(this.files, kernel);
    this.results = new Check(options.maxDetails);
    this.records = new Check(options.maxDetails);
    this.snapshots = new Snapshots(options);
    this.#pageSize = kernel.env.arch.pageSize;
    if (options.start !== null) this.#begin(options.start.pid);
  }

  /** Takes the next events. */
  feed(events: readonly RecordedEvent[]): void {
    for (const event of events) this.#take(event);
  }

  /** The recording is over: what is left is compared and counted. */
  finish(): void {
    for (const followed of [...this.#followed.values()]) this.#settle(followed);
  }

  #take(event: RecordedEvent): void {
    this.statistics.events++;
    if (this.#execsToFinish > 0) this.#finishExecOf(event.pid, event.time);
    if (this.snapshots.isDue(event)) this.#compareDue(event);
    switch (event.kind) {
      case 'syscall':
        this.#completeCall(event);
        break;
      case 'page-fault':
        this.#pageFault(event);
        break;
      case 'syscall-start':
        this.#startCall(event);
        break;
      case 'mmap2':
        this.#record(event);
        break;
      case 'birth':
        this.#birth(event);
        break;
      case 'exit':
        this.#exit(event);
        break;
      case 'superseded':
        this.#underWay.delete(event.byTid);
        break;
      default:
        break;
    }
  }

  /** The process that an event is about; made when it is new and the recording does not say where it came from. */
  #follow(pid: number): FollowedProcess {
    if (pid === this.#lastPid) return this.#last as FollowedProcess;
    let followed = this.#followed.get(pid);
    if (followed === undefined) followed = this.#add(pid, new FollowedProcess(pid, this.kernel.spawn({ pid }), false));
    this.#lastPid = pid;
    this.#last = followed;
    return followed;
  }

  #add(pid: number, followed: FollowedProcess): FollowedProcess {
    this.#followed.set(pid, followed);
    this.history.push(followed);
    this.statistics.processes++;
    this.#lastPid = -1;
    return followed;
  }

  /** The recording begins in the middle of a process's life: it was attached to. */
  #begin(pid: number): void {
    const followed = this.#follow(pid);
    followed.started = true;
    this.snapshots.importStart(followed, this.files);
    followed.vmasAtStart = followed.process.mm.mapCount;
    followed.noteVmas();
  }

  #startCall(event: SyscallStartEvent): void {
    if (event.call === 'execve' || event.call === 'execveat') {
      this.#follow(event.pid).exec = { records: [], faults: [] };
      return;
    }
    const call: CallInProgress = { records: [], applied: false };
    this.#underWay.set(event.tid, call);
    // strace prints a completion late; what a munmap gives back may be mapped by another thread before that.
    if (event.call === 'munmap' && this.options.munmapAtStart) {
      const followed = this.#follow(event.pid);
      if (!followed.started) return;
      followed.process.munmap(event.args.address, event.args.length);
      followed.noteVmas();
      call.applied = true;
    }
  }

  #completeCall(event: SyscallEvent): void {
    const call = this.#underWay.get(event.tid);
    if (call !== undefined) this.#underWay.delete(event.tid);
    const followed = this.#follow(event.pid);
    if (event.call === 'execve' || event.call === 'execveat') {
      this.#completeExec(followed, event);
      return;
    }
    if (!followed.started) return;
    this.statistics.countCall(event.call);
    if (event.call === 'shmget') this.#callFiles.noteSegment(event);
    if (call?.applied === true) {
      this.results.match();
      return;
    }
    const records = call === undefined ? [] : call.records;
    this.#callFiles.setRecords(records);
    const outcome = runCall(followed.process, event, this.#callFiles, this.options.addMremapFlags);
    if (outcome === null) {
      this.statistics.skippedCalls++;
    } else {
      const divergence = compareResult(event, outcome);
      if (event.errno === 'ENOMEM' && outcome.refused === null) this.statistics.callsSaved++;
      if (divergence === null) this.results.match();
      else if (isUnknownMemory(followed, event, outcome)) this.statistics.unknownMemory++;
      else this.results.differ(divergence);
      if (this.options.assume === 'touched') assumeTouched(followed.process, event);
      followed.noteVmas();
    }
    for (const record of records) this.#checkRecord(followed, record);
  }

  #completeExec(followed: FollowedProcess, event: SyscallEvent): void {
    const exec = followed.exec;
    followed.exec = null;
    if (event.errno !== null) return;
    this.statistics.execs++;
    this.statistics.countCall(event.call);
    followed.started = true;
    const path = event.call === 'execve' ? event.args.path : null;
    followed.execDone = { exec: exec ?? { records: [], faults: [] }, path, time: event.startTime };
    this.#execsToFinish++;
  }

  /** The process `pid` goes on after an execve: now it is known which snapshot shows what was mapped. */
  #finishExecOf(pid: number, time: number): void {
    const followed = this.#followed.get(pid);
    if (followed === undefined || followed.execDone === null) return;
    const done = followed.execDone;
    followed.execDone = null;
    this.#execsToFinish--;
    for (const fault of finishExec(followed, done, time, this.snapshots, this.files)) this.#pageFault(fault);
    if (followed.vmasAtStart === 0) followed.vmasAtStart = followed.process.mm.mapCount;
    followed.noteVmas();
  }

  #pageFault(event: PageFaultEvent): void {
    const followed = this.#follow(event.pid);
    const { exec } = followed;
    if (exec !== null) {
      if (exec.records.length > 0) exec.faults.push(event);
      return;
    }
    if (!followed.started) return;
    const { statistics } = this;
    statistics.faults++;
    if (event.write) statistics.writeFaults++;
    const result = followed.process.fault(Math.floor(event.address / this.#pageSize), event.write);
    if (result === FAULT_SIGSEGV) statistics.faultsOutside++;
  }

  #record(event: Mmap2Event): void {
    const followed = this.#follow(event.pid);
    if (followed.exec !== null) {
      followed.exec.records.push(event);
      return;
    }
    if (event.time === 0) {
      this.#foundMapped(followed, event);
      return;
    }
    const call = this.#underWay.get(event.tid);
    if (call !== undefined) call.records.push(event);
    else if (followed.started) this.#checkRecord(followed, event);
  }

  /**
   * perf lists what a process that it attaches to has mapped, with time 0 and without page offsets of anonymous memory.
   * A snapshot, if there is one, knows more.
   */
  #foundMapped(followed: FollowedProcess, record: Mmap2Event): void {
    if (this.options.start !== null || record.name.startsWith('[kernel')) return;
    const [line] = startingFromRecords([record]);
    if (line === undefined) return;
    const anonymous = !line.name.startsWith('/');
    importStarting(followed, this.files, anonymous ? { ...line, offset: null, faulted: true } : line);
    followed.started = true;
    followed.vmasAtStart = followed.process.mm.mapCount;
    followed.noteVmas();
  }

  /** The kernel's word about one VMA against the model at this moment. */
  #checkRecord(followed: FollowedProcess, record: Mmap2Event): void {
    const bytes = this.#pageSize;
    const vma = followed.process.mm.tree.at(record.start / bytes);
    if (vma === null) {
      this.records.differ(recordDivergence(record, null));
      return;
    }
    const have = { start: vma.start * bytes, length: vma.pages * bytes, offset: vma.pageOffset * bytes };
    if (have.start === record.start && have.length === record.length && have.offset === record.pageOffsetBytes) {
      this.records.match();
    } else {
      this.records.differ(recordDivergence(record, have));
    }
  }

  #birth(event: BirthEvent): void {
    if (event.thread || this.#followed.has(event.pid)) return;
    const parent = this.#followed.get(event.parentPid);
    if (parent === undefined || !parent.started) return;
    this.statistics.forks++;
    const process = event.sharesMemory ? this.kernel.adopt(parent.process.mm, event.pid) : parent.process.fork(event.pid);
    if (!('mm' in process)) {
      this.results.differ({
        file: event.file,
        line: event.line,
        pid: event.parentPid,
        what: 'fork',
        recorded: String(event.pid),
        model: `${process.errno} (${process.rule})`,
      });
      return;
    }
    const child = this.#add(event.pid, new FollowedProcess(event.pid, process, true));
    child.program = parent.program;
    child.stackAddress = parent.stackAddress;
    child.vmasAtStart = process.mm.mapCount;
    child.noteVmas();
  }

  #exit(event: ExitEvent): void {
    this.#underWay.delete(event.tid);
    if (event.tid !== event.pid && event.lastThread !== true) return;
    if (event.lastThread === false) return;
    const followed = this.#followed.get(event.pid);
    if (followed !== undefined) this.#settle(followed);
  }

  /** A process ends, or the recording does. */
  #settle(followed: FollowedProcess): void {
    this.#finishExecOf(followed.pid, Infinity);
    this.snapshots.compareFinal(followed);
    if (!followed.exited) {
      followed.vmasAtEnd = followed.process.mm.mapCount;
      if (followed.started) {
        collectUnmerged(followed.process.mm, this.unmerged, this.options.maxDetails);
        countObjects(followed.process.mm, this.objects);
      }
      followed.exited = true;
    }
    this.#followed.delete(followed.pid);
    this.#lastPid = -1;
    followed.process.exit();
  }

  #compareDue(event: RecordedEvent): void {
    for (const followed of this.#followed.values()) this.snapshots.compareUntil(followed, event.time);
  }
}

/** Whether a call failed on the model because nothing tells what the program's execve mapped. */
function isUnknownMemory(followed: FollowedProcess, event: SyscallEvent, outcome: CallOutcome): boolean {
  const errno = outcome.refused?.errno;
  return !followed.layoutKnown && event.errno === null && (errno === 'ENOMEM' || errno === 'EFAULT');
}
