import type { Kernel } from '@vmakit/kernel';
import { FAULT_SIGSEGV } from '@vmakit/mm';
import type {
  BirthEvent,
  ExecEvent,
  ExitEvent,
  LostEvent,
  Mmap2Event,
  PageFaultEvent,
  RecordedEvent,
  SyscallEvent,
  SyscallStartEvent,
} from '@vmakit/trace';
import { assumeTouched } from './assume.js';
import { CallFiles } from './call-files.js';
import { CallsUnderWay } from './calls-under-way.js';
import { type Divergence, forkDivergence, occupiedDivergence } from './divergence.js';
import { type PageRange, blockGrowth, neededFree, willFree } from './effect-order.js';
import { finishExec } from './exec.js';
import { importStarting, startingFromRecords } from './exec-import.js';
import { FileTable } from './file-table.js';
import { type Awaited, HeldEvents, callOf } from './held-events.js';
import { type KernelObjects, countObjects, noObjects } from './objects.js';
import type { ReplayOptions } from './options.js';
import { type ProcessPicture, pictureOf } from './picture.js';
import { ProcessTable } from './process-table.js';
import { RecordChecker } from './record-check.js';
import { CallRunner } from './call-runner.js';
import { Snapshots } from './snapshots.js';
import {
  AFTER_SAVED_CALL,
  type CallInProgress,
  type FollowedProcess,
  UNSEEN_BEFORE,
  UNSEEN_FORK_MOMENT,
  UNSEEN_LOST,
  UNSEEN_USERFAULTFD,
} from './space.js';
import { Check, ReplayStatistics } from './statistics.js';
import { takeAnnounced } from './take-announced.js';
import { UnmergedPairs } from './unmerged.js';

/** Where calls are recorded in the order of their starts only, so many events may be between one and its place. */
const LOOSE_ORDER = 256;

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
  readonly unmerged: UnmergedPairs;
  /** Kernel objects of all processes, each at its end. */
  readonly objects: KernelObjects = noObjects();
  /** Address spaces at their ends, when they are wanted. */
  readonly pictures: ProcessPicture[] = [];
  readonly processes: ProcessTable;
  readonly files: FileTable;
  readonly #callFiles: CallFiles;
  readonly #runner: CallRunner;
  readonly #recordChecker: RecordChecker;
  readonly #underWay: CallsUnderWay;
  readonly #pageSize: number;
  /** Processes with an execve that is not settled. */
  #execsToFinish = 0;
  /** Threads that were born and have not been seen to do anything. */
  #silent = 0;
  /** The recorder has lost events. */
  #lost = false;
  /** The recording is over. */
  #over = false;
  /** Pages that the next call got and that the model has something in, with nobody to give them back. */
  #conflict: PageRange | null = null;
  /** Events held back for a call that was done before them and completes after them. */
  #held: HeldEvents | null = null;

  constructor(kernel: Kernel, options: ReplayOptions) {
    this.kernel = kernel;
    this.options = options;
    this.files = new FileTable(kernel);
    this.processes = new ProcessTable(kernel, options);
    this.results = new Check(options.maxDetails);
    this.records = new Check(options.maxDetails);
    this.snapshots = new Snapshots(options);
    this.unmerged = new UnmergedPairs(options.maxDetails);
    this.#underWay = new CallsUnderWay(this.processes, this.statistics);
    this.#callFiles = new CallFiles(this.files, kernel);
    this.#runner = new CallRunner(this.#callFiles, this.files, options, this.results, this.statistics);
    this.#recordChecker = new RecordChecker(options, this.records, this.statistics);
    this.#pageSize = kernel.env.arch.pageSize;
    if (options.start !== null) this.#begin(this.processes.follow(options.start.pid));
  }

  /** Takes the next events. */
  feed(events: readonly RecordedEvent[]): void {
    takeAnnounced(events, this.processes, (event) => this.#take(event));
  }

  /** The recording is over: what is left is compared and counted. */
  finish(): void {
    this.#release();
    this.#recordChecker.finish();
    this.#over = true;
    for (const followed of this.processes.living()) this.#settle(followed);
    this.snapshots.compareBest();
  }

  #take(event: RecordedEvent): void {
    if (this.#held !== null) {
      this.#hold(event, this.#held);
      return;
    }
    if (event.kind === 'syscall') {
      const awaited = this.#blockerOf(event);
      if (awaited !== null) {
        this.#held = new HeldEvents(event, awaited);
        return;
      }
    }
    this.#act(event);
  }

  #act(event: RecordedEvent): void {
    this.statistics.events++;
    if (this.#execsToFinish > 0) this.#goesOn(event);
    if (this.snapshots.isDue(event)) this.#compareDue(event);
    if (this.#silent > 0) this.#hear(event);
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
      default:
        this.#takeRare(event);
    }
  }

  /** Holds an event back, or goes on with all that are held when this is the one that was awaited. */
  #hold(event: RecordedEvent, held: HeldEvents): void {
    if (!held.isAwaited(event)) {
      held.push(event);
      if (held.isTooLong) this.#release();
      return;
    }
    if (event.kind === 'syscall') {
      const awaited = this.#blockerOf(event);
      if (awaited !== null) {
        held.waitFirst(event, awaited);
        return;
      }
    }
    this.#held = null;
    this.#act(event);
    this.feed(held.release());
  }

  /** Goes on with what is held back; the call that was awaited does not come. */
  #release(): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const [first, ...others] = held.release();
    if (first?.kind === 'syscall') this.#conflict = this.#occupied(first);
    if (first !== undefined) this.#act(first);
    this.feed(others);
  }

  #takeRare(event: RecordedEvent): void {
    switch (event.kind) {
      case 'comm':
        if (event.exec) this.#commitExec(this.processes.follow(event.pid), event.time);
        break;
      case 'exec':
        this.#execTold(event);
        break;
      case 'superseded':
        this.#underWay.end(event.byTid);
        break;
      case 'lost':
        this.#lose(event);
        break;
      default:
        break;
    }
  }

  /** The process of a call or fault, begun if the recording came into the middle of its life. */
  #acting(pid: number): FollowedProcess {
    const followed = this.processes.follow(pid);
    if (!followed.started && this.options.beginsInMidLife && followed.exec === null) this.#begin(followed);
    return followed;
  }

  /** The recording begins in the middle of a process's life. */
  #begin(followed: FollowedProcess): void {
    followed.started = true;
    const { start } = this.options;
    const lines = start !== null && start.pid === followed.pid ? start.lines : this.snapshots.takeStart(followed.pid);
    if (lines === null) followed.unseen = UNSEEN_BEFORE;
    for (const line of lines ?? []) importStarting(followed, this.files, line);
    this.#noteStart(followed);
  }

  #noteStart(followed: FollowedProcess): void {
    followed.vmasAtStart = followed.process.mm.mapCount;
    followed.noteVmas(this.statistics.events);
  }

  #startCall(event: SyscallStartEvent): void {
    if (this.#recordChecker.isUndecided) this.#recordChecker.decide();
    if (event.call === 'execve' || event.call === 'execveat') {
      const followed = this.processes.follow(event.pid);
      followed.execTold = false;
      followed.exec = null;
      this.#beginExec(followed, event.time);
      return;
    }
    this.#passExec(event);
    this.#underWay.begin(event);
  }

  #completeCall(event: SyscallEvent): void {
    const call = this.#underWay.end(event.tid);
    if (event.call === 'execve' || event.call === 'execveat') {
      this.#completeExec(event);
      return;
    }
    const followed = this.#acting(event.pid);
    if (!followed.started) return;
    this.statistics.countCall(event.call);
    if (event.call === 'shmget') this.#callFiles.noteSegment(event);
    // It is an ioctl that registers ranges, and that is not recorded.
    if (event.call === 'userfaultfd' && event.errno === null) followed.unseen ??= UNSEEN_USERFAULTFD;
    if (call?.applied === true) {
      this.results.match();
      return;
    }
    const records = call === undefined ? [] : call.records;
    this.#callFiles.setRecords(records);
    if (this.#conflict !== null) this.#clear(followed, event, this.#conflict);
    const unblock = this.#mayHaveMovedFor(followed, event, call) ? blockGrowth(followed.process, event) : null;
    let checked = 0;
    const onStep = (address: number): void => {
      const record = records[checked];
      if (record === undefined || record.start > address || record.start + record.length <= address) return;
      this.#recordChecker.check(followed, record);
      checked++;
    };
    const ran = this.#runner.run(followed, event, records.length > 1 ? onStep : null);
    unblock?.();
    if (ran) {
      if (this.options.assume === 'touched') assumeTouched(followed.process, event);
      followed.noteVmas(this.statistics.events);
    }
    for (; checked < records.length; checked++) this.#recordChecker.check(followed, records[checked] as Mmap2Event);
  }

  /**
   * What was done before `event` although it is recorded later: a call that gives back memory which `event` got. Null
   * without one.
   */
  #blockerOf(event: SyscallEvent): Awaited | null {
    const { call } = event;
    if (call !== 'mmap' && call !== 'mremap' && call !== 'brk') return null;
    const followed = this.processes.get(event.pid);
    const range = this.#occupied(event);
    if (followed === undefined || range === null) return null;
    const { mm } = followed.process;
    this.#underWay.unmapEarly(followed, event, range);
    if (mm.tree.firstOverlap(range.start, range.end) === null) return null;
    const isHeld = (tid: number): boolean => this.#held?.holds(tid) === true;
    const blocker = this.#underWay.freeing(mm, event, range, isHeld);
    if (blocker >= 0) return callOf(blocker);
    if (!this.options.looseOrder) {
      this.#conflict = range;
      return null;
    }
    const frees = (later: RecordedEvent): boolean =>
      later.kind === 'syscall' && this.processes.get(later.pid)?.process.mm === mm && willFree(mm, later, range);
    return { isMet: frees, patience: LOOSE_ORDER };
  }

  /** The pages that a call got, when the model has something in them. */
  #occupied(event: SyscallEvent): PageRange | null {
    const followed = this.processes.get(event.pid);
    if (followed === undefined || !followed.started || followed.execDone !== null) return null;
    const { mm } = followed.process;
    const range = neededFree(mm, event);
    return range === null || mm.tree.firstOverlap(range.start, range.end) === null ? null : range;
  }

  /** Whether an mremap may have moved for the sake of something that the model does not have at this moment. */
  #mayHaveMovedFor(followed: FollowedProcess, event: SyscallEvent, call: CallInProgress | undefined): boolean {
    if (event.call !== 'mremap') return false;
    const isConcurrent = this.options.looseOrder || this.#underWay.isConcurrent(call, event.tid, 1);
    return isConcurrent || followed.blindSpot !== null;
  }

  /** The model has memory where the recorded kernel had none. */
  #clear(followed: FollowedProcess, event: SyscallEvent, { start, end }: PageRange): void {
    this.#conflict = null;
    const bytes = this.#pageSize;
    const excuse = followed.callsSaved > 0 ? AFTER_SAVED_CALL : followed.blindSpot;
    if (excuse === null) this.results.differ(occupiedDivergence(event, start * bytes, end * bytes));
    else this.statistics.countUnknowable(excuse);
    followed.process.munmap(start * bytes, (end - start) * bytes);
  }

  /** A new program is about to be mapped. */
  #beginExec(followed: FollowedProcess, startTime: number): void {
    followed.exec ??= { records: [], faults: [], startTime, committed: false };
  }

  #commitExec(followed: FollowedProcess, time: number): void {
    this.#beginExec(followed, time);
    if (followed.exec !== null) followed.exec.committed = true;
  }

  /** A program runs: an execve whose completion is not recorded is done. */
  #passExec({ pid, time }: RecordedEvent): void {
    const followed = this.processes.get(pid);
    if (followed?.exec?.committed !== true) return;
    this.#execDone(followed, null, time);
    this.#finishExec(followed, time);
  }

  /** perf says that an execve is done before the call completes, and also where the call itself is not recorded. */
  #execTold(event: ExecEvent): void {
    const followed = this.processes.follow(event.pid);
    this.#execDone(followed, event.filename, event.time);
    followed.execTold = true;
  }

  #completeExec(event: SyscallEvent): void {
    const followed = this.processes.follow(event.pid);
    if (event.errno === null) this.statistics.countCall(event.call);
    if (event.errno !== null) followed.exec = null;
    else if (followed.execTold) followed.execTold = false;
    else this.#execDone(followed, event.call === 'execve' ? event.args.path : null, event.startTime);
  }

  #execDone(followed: FollowedProcess, path: string | null, time: number): void {
    const exec = followed.exec ?? { records: [], faults: [], startTime: time, committed: true };
    followed.exec = null;
    this.statistics.execs++;
    followed.started = true;
    if (followed.execDone === null) this.#execsToFinish++;
    followed.execDone = { exec, path };
  }

  /** A process that did an execve goes on, unless this is only the completion of the call that was told before. */
  #goesOn(event: RecordedEvent): void {
    const followed = this.processes.get(event.pid);
    if (followed === undefined || followed.execDone === null) return;
    const completes = event.kind === 'syscall' && (event.call === 'execve' || event.call === 'execveat');
    if (!completes || !followed.execTold) this.#finishExec(followed, event.time);
  }

  /** The time at which the process goes on says which snapshot shows what was mapped. */
  #finishExec(followed: FollowedProcess, time: number): void {
    if (followed.execDone === null) return;
    const done = followed.execDone;
    followed.execDone = null;
    this.#execsToFinish--;
    const faults = finishExec(followed, done, time, this.snapshots, this.files);
    if (this.#lost) followed.unseen = UNSEEN_LOST;
    for (const fault of faults) this.#pageFault(fault);
    this.#noteStart(followed);
  }

  #pageFault(event: PageFaultEvent): void {
    const followed = this.#acting(event.pid);
    if (event.user && followed.exec?.committed === true) this.#passExec(event);
    const { exec } = followed;
    if (exec !== null) {
      if (exec.records.length > 0) exec.faults.push(event);
      return;
    }
    if (!followed.started) return;
    const { statistics } = this;
    statistics.faults++;
    if (event.write) statistics.writeFaults++;
    const { mm } = followed.process;
    const before = mm.totalVm;
    const result = followed.process.fault(Math.floor(event.address / this.#pageSize), event.write);
    if (result === FAULT_SIGSEGV) statistics.faultsOutside++;
    else if (mm.totalVm !== before) followed.noteVmas(statistics.events);
  }

  #record(event: Mmap2Event): void {
    const followed = this.processes.follow(event.pid);
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
    else if (followed.started) this.#recordChecker.checkOutside(followed, event);
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
    // The list is made while the program goes on, and what it holds of anonymous memory is not in it.
    followed.unseen = UNSEEN_BEFORE;
    this.#noteStart(followed);
  }

  #birth(event: BirthEvent): void {
    if (event.thread) {
      const owner = this.processes.get(event.pid);
      if (owner === undefined || event.tid === event.pid) return;
      owner.silentThreads.add(event.tid);
      this.#silent++;
      return;
    }
    const child = this.processes.bear(event);
    if (child === null) return;
    this.statistics.forks++;
    if ('errno' in child) {
      this.results.differ(forkDivergence(event, child));
      return;
    }
    child.noteVmas(this.statistics.events);
    // Without the kernel's own record of it nothing tells which calls of other threads the copy has seen.
    const { parentTid, sharesMemory } = event;
    const isConcurrent = this.#underWay.isConcurrent(this.#underWay.get(parentTid), parentTid, 0);
    if (isConcurrent && !sharesMemory && this.options.assume !== 'recorded') child.unseen ??= UNSEEN_FORK_MOMENT;
  }

  /** A thread that was born does something: it is recorded. */
  #hear({ pid, tid, kind }: RecordedEvent): void {
    if (kind === 'birth') return;
    if (this.processes.get(pid)?.silentThreads.delete(tid) === true) this.#silent--;
  }

  #exit(event: ExitEvent): void {
    this.#underWay.end(event.tid);
    const followed = this.processes.ending(event);
    if (followed !== null) this.#settle(followed);
  }

  /** A process ends, or the recording does. */
  #settle(followed: FollowedProcess): void {
    this.#finishExec(followed, Infinity);
    const { mm } = followed.process;
    if (followed.started) {
      this.snapshots.compareFinal(followed);
      followed.vmasAtEnd = mm.mapCount;
      this.unmerged.collect(mm, followed.pid);
      countObjects(mm, this.objects);
      if (this.options.pictures) this.pictures.push(pictureOf(followed));
    }
    this.#silent -= followed.silentThreads.size;
    // When the recording is over nobody is left whom it could matter that the memory is given back.
    this.processes.remove(followed, !this.#over);
  }

  #lose(event: LostEvent): void {
    this.#lost = true;
    this.statistics.lost += event.count;
    for (const followed of this.processes.living()) followed.unseen = UNSEEN_LOST;
  }

  #compareDue(event: RecordedEvent): void {
    for (const followed of this.processes.living()) this.snapshots.compareUntil(followed, event.time);
  }
}
