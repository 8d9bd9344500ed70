import { describe, expect, it } from 'vitest';
import { parseRecording } from '../source/parse.js';

/** `call tid/pid` of every completed call, and the births, of what strace prints on a terminal. */
function told(...lines: string[]): string[] {
  const { events, report } = parseRecording(lines.join('\n'), { format: 'strace' });
  expect(report.diagnostics).toEqual([]);
  return events.flatMap((event) => {
    if (event.kind === 'birth') return [`birth ${event.tid} of ${event.parentTid}`];
    return event.kind === 'syscall' ? [`${event.name} ${event.tid}/${event.pid}`] : [];
  });
}

describe('strace on a terminal: the pid column comes and goes', () => {
  it('with the first child, and with the last one alive', () => {
    expect(
      told(
        'brk(NULL) = 0x1000',
        'fork(strace: Process 12 attached',
        ' <unfinished ...>',
        '[pid    12] brk(NULL) = 0x1000',
        '[pid    11] <... fork resumed>)         = 12',
        '[pid    11] wait4(-1,  <unfinished ...>',
        '[pid    12] brk(NULL) = 0x1000',
        '[pid    12] +++ exited with 0 +++',
        '<... wait4 resumed>NULL, 0, NULL)       = 12',
        'brk(NULL) = 0x1000',
        '+++ exited with 0 +++',
      ),
    ).toEqual(['brk 0/0', 'birth 12 of 0', 'brk 12/12', 'fork 0/0', 'brk 12/12', 'wait4 0/0', 'brk 0/0']);
  });

  it('when the root ends first', () => {
    expect(
      told(
        'fork() = 12',
        'strace: Process 12 attached',
        '[pid    11] exit_group(0) = ?',
        '[pid    12] brk(NULL) = 0x1000',
        '[pid    11] +++ exited with 0 +++',
        'brk(NULL) = 0x1000',
      ),
    ).toEqual(['birth 12 of 0', 'fork 0/0', 'exit_group 0/0', 'brk 12/12', 'brk 12/12']);
  });

  it('without notes (-q), with a call that makes a task cut in two', () => {
    expect(
      told(
        'vfork( <unfinished ...>',
        '[pid    12] brk(NULL) = 0x1000',
        '[pid    11] <... vfork resumed>)        = 12',
        '[pid    11] brk(NULL) = 0x1000',
      ),
    ).toEqual(['birth 12 of 0', 'brk 12/12', 'vfork 0/0', 'brk 0/0']);
  });

  it('under the name that a note gave when strace was attached', () => {
    expect(
      told(
        'strace: Process 11 attached',
        'brk(NULL) = 0x1000',
        'fork() = 12',
        'strace: Process 12 attached',
        '[pid    11] brk(NULL) = 0x1000',
        '[pid    12] brk(NULL) = 0x1000',
      ),
    ).toEqual(['brk 11/11', 'birth 12 of 11', 'fork 11/11', 'brk 11/11', 'brk 12/12']);
  });

  it('goes on after a note in the middle of the arguments', () => {
    expect(
      told(
        'clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLDstrace: Process 12 attached',
        ', child_tidptr=0x7f4ba31f5a10) = 12',
      ),
    ).toEqual(['birth 12 of 0', 'clone 0/0']);
  });
});

it('a call under way when strace is detached stays unfinished, though notes tear its line', () => {
  const lines = [
    '[pid    12] clock_nanosleep(CLOCK_REALTIME, 0, strace: Process 11 detached',
    'strace: Process 12 detached',
    ' <detached ...>',
  ];
  const { report } = parseRecording(lines.join('\n'), { format: 'strace' });
  expect(report).toMatchObject({ malformed: 0, unfinished: 1, ignored: 2 });
});

it('a note tells to which process the threads belong', () => {
  expect(
    told(
      'strace: Process 31043 attached with 2 threads',
      '[pid 31044] brk(NULL) = 0x1000',
      '[pid 31043] brk(NULL) = 0x1000',
    ),
  ).toEqual(['brk 31044/31043', 'brk 31043/31043']);
});
