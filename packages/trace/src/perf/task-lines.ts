import { COLON } from '../bytes/cursor.js';
import { readComm, readLastNumber, readLost, readMapping, readTaskPair } from './records.js';
import type { Task } from './records.js';
import type { PerfState } from './state.js';
import type { RareTracepoint } from './tracepoints.js';

/* The lines about mappings and tasks, from behind the name of the event. None of them is frequent. */

export const TOO_LARGE = 'addresses and lengths below 2^53, or page-aligned ones';

/** Reads one line that is not about a call or a fault. */
export function readTaskLine(state: PerfState, kind: Exclude<RareTracepoint['kind'], 'raw-syscall'>): void {
  switch (kind) {
    case 'mmap2':
    case 'mmap':
      return mapping(state, kind === 'mmap');
    case 'comm':
      return comm(state);
    case 'fork':
      return fork(state);
    case 'exit-record':
      return exitRecord(state);
    case 'new-task':
      return newTask(state);
    case 'task-fork':
      return taskFork(state);
    case 'task-exec':
      return taskExec(state);
    case 'task-exit':
      return taskExit(state);
    case 'lost':
      return lose(state, readLost(state.cursor));
    case 'unknown':
      state.tally.ignored++;
  }
}

/** Counts and tells lost events. */
export function lose(state: PerfState, count: number): void {
  if (state.cursor.expected !== null) return;
  state.tally.lost += count;
  state.push({ kind: 'lost', ...state.base(state.head), count });
}

function mapping(state: PerfState, older: boolean): void {
  const { cursor } = state;
  if (cursor.eat(COLON)) cursor.skipSpaces();
  const record = readMapping(cursor, older);
  if (cursor.expected !== null) return;
  if (record === null || record.pid < 0) {
    state.tally.ignored++;
    return;
  }
  if (cursor.inexact) {
    cursor.fail(TOO_LARGE);
    return;
  }
  state.announceIfNew(record.tid);
  state.push({
    kind: 'mmap2',
    pid: record.pid,
    tid: record.tid,
    time: state.head.time,
    file: state.tally.file,
    line: state.line,
    start: record.start,
    length: record.length,
    pageOffsetBytes: record.pageOffsetBytes,
    prot: record.prot,
    shared: record.shared,
    device: record.device,
    inode: record.inode,
    name: record.name,
  });
}

function comm(state: PerfState): void {
  const { task, comm: name, exec } = readComm(state.cursor);
  if (state.cursor.expected !== null) return;
  state.announceIfNew(task.tid);
  state.births.know(task.tid, task.pid);
  state.push({ kind: 'comm', ...state.base(task), comm: name, exec });
}

function fork(state: PerfState): void {
  const { task, parent } = readTaskPair(state.cursor);
  if (state.cursor.expected !== null) return;
  state.announceIfNew(parent.tid);
  state.push({ kind: 'fork-record', ...state.base(task), parentPid: parent.pid, parentTid: parent.tid });
  state.births.fork(task.tid, task.pid, parent.pid, parent.tid);
}

function exitRecord(state: PerfState): void {
  const { task } = readTaskPair(state.cursor);
  if (state.cursor.expected === null) end(state, task, null);
}

/** ` pid=14021 comm=g++ clone_flags=4100 oom_score_adj=0`: the parent speaks. */
function newTask(state: PerfState): void {
  const { cursor, head } = state;
  const start = cursor.pos;
  const flags = readLastNumber(cursor, 'clone_flags', true);
  cursor.pos = start;
  cursor.skipSpaces();
  if (flags === null || !cursor.eatText('pid=')) {
    cursor.fail('"pid=" and "clone_flags="');
    return;
  }
  const childTid = cursor.decimal('the id of the new task');
  if (cursor.expected !== null) return;
  state.announceIfNew(head.tid);
  const base = state.base(head);
  state.push({ kind: 'new-task', ...base, childTid, flags });
  const birth = state.births.newTask(childTid, flags, head.pid, head.tid, base);
  if (birth !== null) state.push(birth);
}

/** ` comm=hello pid=2761 child_comm=hello child_pid=2762` (tracefs): no flags. */
function taskFork(state: PerfState): void {
  const { cursor, head } = state;
  const tid = readLastNumber(cursor, 'child_pid', false);
  if (tid === null) cursor.fail('"child_pid="');
  if (tid === null || cursor.expected !== null) return;
  state.announceIfNew(head.tid);
  state.push({ kind: 'fork-record', ...state.base({ pid: tid, tid }), parentPid: head.pid, parentTid: head.tid });
  state.births.fork(tid, -1, head.pid, head.tid);
}

/** ` filename=/usr/bin/env pid=14020 old_pid=14020`. */
function taskExec(state: PerfState): void {
  const { cursor, head, pending } = state;
  cursor.skipSpaces();
  const start = cursor.pos;
  const oldTid = readLastNumber(cursor, 'old_pid', false);
  cursor.pos = start;
  const tid = readLastNumber(cursor, 'pid', false);
  const stop = cursor.pos;
  cursor.pos = start;
  if (oldTid === null || tid === null || !cursor.eatText('filename=')) {
    cursor.fail('"filename=", "pid=" and "old_pid="');
    return;
  }
  const filename = cursor.text(cursor.pos, stop);
  const underWay = pending.get(oldTid);
  if (oldTid !== tid && underWay !== undefined) {
    pending.delete(oldTid);
    pending.set(tid, underWay);
  }
  state.announceIfNew(tid);
  state.push({ kind: 'exec', ...state.base(head), filename, oldTid });
}

/** ` comm=env pid=14020 prio=120 group_dead=true`. */
function taskExit(state: PerfState): void {
  const { cursor, head } = state;
  const start = cursor.pos;
  if (readLastNumber(cursor, 'pid', false) === null) {
    cursor.pos = start;
    cursor.fail('"pid="');
    return;
  }
  const rest = cursor.text(cursor.pos, cursor.end);
  const dead = /group_dead=(true|false|1|0)/.exec(rest)?.[1];
  end(state, head, dead === undefined ? null : dead === 'true' || dead === '1');
}

function end(state: PerfState, task: Task, lastThread: boolean | null): void {
  const { pending, births, tally } = state;
  const { tid } = task;
  const underWay = pending.get(tid);
  if (underWay !== undefined) {
    pending.delete(tid);
    if (underWay.call.call !== 'exit' && underWay.call.call !== 'exit_group') tally.unfinished++;
  }
  state.announceIfNew(tid);
  state.push({ kind: 'exit', ...state.base(task), status: null, signal: null, lastThread });
  births.exit(tid);
}
