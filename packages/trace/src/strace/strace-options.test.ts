import { describe, expect, it } from 'vitest';
import { parseRecording } from '../source/parse.js';

/** Recordings of one small program with rarer options of strace. */
function parse(...lines: string[]): ReturnType<typeof parseRecording> {
  const parsed = parseRecording(`${lines.join('\n')}\n`, { name: 'x.strace' });
  expect(parsed.report.diagnostics).toEqual([]);
  return parsed;
}

describe('options of strace', () => {
  it('-X verbose puts a comment into a comment', () => {
    const line =
      '24286 mmap(NULL, 32768, 0x3 /* PROT_READ|PROT_WRITE */, 0x28 /* 0x8 /* MAP_??? */|MAP_ANONYMOUS */, -1, 0) ' +
      '= 0x7f4a3172c000';
    expect(parse(line).events).toMatchObject([{ args: { prot: 3, flags: 0x28, fd: -1 }, result: 0x7f4a3172c000 }]);
  });

  it('-C ends with a table of counts', () => {
    const { events, report } = parse(
      '7 munmap(0x1000, 4096)              = 0',
      '7 +++ exited with 0 +++',
      '% time     seconds  usecs/call     calls    errors syscall',
      '------ ----------- ----------- --------- --------- -----------------',
      ' 23.31    0.000447           5        82        15 mmap',
      '  0.00    0.000000           0         3           munmap',
      '------ ----------- ----------- --------- --------- -----------------',
      '100.00    0.001918           7       254        47 total',
      '8 brk(NULL) = 0x2000',
    );
    expect(events.map(({ kind }) => kind)).toEqual(['syscall', 'exit', 'syscall']);
    expect(report.ignored).toBe(6);
  });

  it('-qqq does not say that a thread takes the place of its process in execve', () => {
    const { events, report } = parse(
      '1 clone(child_stack=0x1000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 2',
      '1 pause( <unfinished ...>',
      '2 execve("/bin/echo", ["echo"], 0x7ffc91d6ace0 /* 35 vars */ <unfinished ...>',
      '1 <... pause resumed>) = ?',
      '1 <... execve resumed>) = 0',
      '1 brk(NULL) = 0x2000',
    );
    expect(events.slice(-3)).toMatchObject([
      { kind: 'superseded', pid: 1, tid: 1, byTid: 2 },
      { kind: 'syscall', pid: 1, tid: 1, call: 'execve', args: { path: '/bin/echo' }, result: 0, startLine: 3 },
      { kind: 'syscall', call: 'brk' },
    ]);
    expect(report).toMatchObject({ unpaired: 0, unfinished: 0 });
  });
});
