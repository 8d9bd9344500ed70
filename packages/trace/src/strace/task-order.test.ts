import { describe, expect, it } from 'vitest';
import type { BirthEvent, RecordedEvent } from '../events.js';
import { parseRecording } from '../source/parse.js';

/** `kind tid/pid` of every event, births with their parent. */
function story(lines: readonly string[], attachedPid?: number): string[] {
  const options = attachedPid === undefined ? {} : { attachedPid };
  const { events, report } = parseRecording(lines.join('\n'), { format: 'strace', ...options });
  expect(report.diagnostics).toEqual([]);
  return events.map(tell);
}

function tell(event: RecordedEvent): string {
  const what = event.kind === 'syscall' || event.kind === 'syscall-start' ? `${event.kind} ${event.call}` : event.kind;
  const task = `${what} ${event.tid}/${event.pid}`;
  return event.kind === 'birth' ? `${task} of ${event.parentTid}/${event.parentPid}${kindOf(event)}` : task;
}

function kindOf(birth: BirthEvent): string {
  return birth.thread ? ' as a thread' : birth.sharesMemory ? ' sharing' : ' as a copy';
}

const THREAD = 'CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS';
const brk = (tid: number): string => `${tid} 5.0 brk(NULL) = 0x55d471f96000`;

describe('births in a strace recording', () => {
  it('come before the completion of the call', () => {
    expect(story(['1 5.0 fork() = 2', brk(2)])).toEqual([
      'birth 2/2 of 1/1 as a copy',
      'syscall fork 1/1',
      'syscall brk 2/2',
    ]);
  });

  it('come before lines of the child that stand before the completion, everything else in recorded order', () => {
    expect(
      story([
        brk(1),
        `1 5.0 clone(child_stack=0xc000094000, flags=${THREAD} <unfinished ...>`,
        brk(2),
        '2 5.0 munmap(0x7f0000000000, 4096 <unfinished ...>',
        '1 5.0 <... clone resumed>, tls=0xc000080090) = 2',
        '2 5.0 <... munmap resumed>) = 0',
      ]),
    ).toEqual([
      'syscall brk 1/1',
      'syscall-start clone 1/1',
      'birth 2/1 of 1/1 as a thread',
      'syscall brk 2/1',
      'syscall-start munmap 2/1',
      'syscall clone 1/1',
      'syscall munmap 2/1',
    ]);
  });

  it('are told apart when several calls are under way, also for a child of a child', () => {
    expect(
      story([
        `1 5.0 clone3({flags=${THREAD}, stack=0x7f28273ff000} => {parent_tid=[2]}, 88) = 2`,
        '1 5.0 fork( <unfinished ...>',
        `2 5.0 clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLD <unfinished ...>`,
        brk(4),
        '4 5.0 fork() = 5',
        brk(3),
        '1 5.0 <... fork resumed>) = 3',
        '2 5.0 <... clone resumed>) = 4',
      ]),
    ).toEqual([
      'birth 2/1 of 1/1 as a thread',
      'syscall clone3 1/1',
      'syscall-start fork 1/1',
      'syscall-start clone 2/1',
      'birth 4/4 of 2/1 sharing',
      'syscall brk 4/4',
      'birth 5/5 of 4/4 as a copy',
      'syscall fork 4/4',
      'birth 3/3 of 1/1 as a copy',
      'syscall brk 3/3',
      'syscall fork 1/1',
      'syscall clone 2/1',
    ]);
  });

  it('need no completion when a single call can be the parent and the recording ends', () => {
    expect(story(['1 5.0 vfork( <unfinished ...>', brk(2)])).toEqual([
      'syscall-start vfork 1/1',
      'birth 2/2 of 1/1 sharing',
      'syscall brk 2/2',
    ]);
  });

  it('do not come from a call that failed', () => {
    const failed = '1 5.0 fork() = -1 EAGAIN (Resource temporarily unavailable)';
    expect(story([failed])).toEqual(['syscall fork 1/1']);
  });

  it('come again when an id is used again', () => {
    expect(story(['1 5.0 fork() = 2', '2 5.0 +++ exited with 0 +++', '1 5.0 fork() = 2'])).toEqual([
      'birth 2/2 of 1/1 as a copy',
      'syscall fork 1/1',
      'exit 2/2',
      'birth 2/2 of 1/1 as a copy',
      'syscall fork 1/1',
    ]);
  });
});

describe('threads without a birth', () => {
  it('are processes of their own', () => {
    expect(story([brk(7), brk(8)])).toEqual(['syscall brk 7/7', 'syscall brk 8/8']);
  });

  it('belong to the process that the recorder was attached to', () => {
    expect(story([brk(7), brk(8)], 6)).toEqual(['syscall brk 7/6', 'syscall brk 8/6']);
  });

  it('are not mistaken for the child of a call that is under way', () => {
    expect(story([brk(7), '7 5.0 fork( <unfinished ...>', brk(8), '7 5.0 <... fork resumed>) = 9'], 7)).toEqual([
      'syscall brk 7/7',
      'syscall-start fork 7/7',
      'syscall brk 8/7',
      'birth 9/9 of 7/7 as a copy',
      'syscall fork 7/7',
    ]);
  });
});

it.each(['<unfinished ...>', '<pid changed to 1 ...>'])('an exec by a thread goes on under the leader: %s', (mark) => {
  expect(
    story([
      `1 5.0 clone(child_stack=0xc000094000, flags=${THREAD}) = 2`,
      `2 5.0 execve("/bin/true", ["true"], 0x7ff /* 0 vars */ ${mark}`,
      '1 5.0 +++ superseded by execve in pid 2 +++',
      '1 5.0 <... execve resumed>) = 0',
      brk(1),
    ]),
  ).toEqual([
    'birth 2/1 of 1/1 as a thread',
    'syscall clone 1/1',
    'syscall-start execve 2/1',
    'superseded 1/1',
    'syscall execve 1/1',
    'syscall brk 1/1',
  ]);
});
