import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordingFormat } from '../recording.js';
import { parseRecording } from './parse.js';

const GOOD_STRACE = '7 1795394394.5 munmap(0x7f0000000000, 4096) = 0';
const GOOD_PERF = '               a 7/7  2.500000000: exceptions:page_fault_user: address=0x1000 ip=0x1 error_code=0x6';

/** What was expected at the only bad line among good ones. */
function expectedAt(format: RecordingFormat, bad: string): string | undefined {
  const good = format === 'strace' ? GOOD_STRACE : GOOD_PERF;
  const { events, report } = parseRecording([good, bad, good].join('\n'), { format, name: 'f' });
  expect(events).toHaveLength(2);
  expect(report).toMatchObject({ lines: 3, malformed: 1 });
  expect(report.diagnostics).toMatchObject([{ file: 'f', line: 2 }]);
  return report.diagnostics[0]?.expected;
}

describe('a malformed line is reported with what was expected, and the rest is read', () => {
  it.each([
    ['7 1795394394.5 mmap(NULL, 8192, PROT_READ|PROT_WR', 'a PROT_ flag'],
    ['7 1795394394.5 mmap(NULL, 8192, PROT_READ', 'a comma and the next argument'],
    ['7 1795394394.5 munmap(0x7f0000000000, ', 'a length in bytes'],
    ['7 1795394394.5 munmap(, 4096) = 0', 'an address'],
    ['7 1795394394.5 munmap(0x7f0000000000, 4096', 'the ")" that ends the arguments'],
    ['7 1795394394.5 munmap(0x7f0000000000, 4096)', 'a "=" and the result'],
    ['7 1795394394.5 munmap(0x7f0000000000, 4096) = ', 'the result: a number, "?" or "-1 ERRNO"'],
    ['7 1795394394.5 mremap(0x1000, 1, 2, MREMAP_NEW) = 0', 'an MREMAP_ flag'],
    ['7 1795394394.5 execve("/bin/true', 'the closing quote of a string'],
    ['7 1795394394.5 mmap(NULL, 1, PROT_READ, MAP_SHARED, 3</a', 'the ">" that ends the path of a descriptor'],
    ['7 1795394394.5 <... munmap resu', '"resumed>"'],
    ['7 1795394394.5 --- what ---', 'the name of a signal'],
    ['7 1795394394.5 +++ what +++', '"exited with", "killed by" or "superseded by"'],
    ['7 1795394394.5', 'a space behind the time'],
    ['7 ', 'a system call, "<... NAME resumed>", "---" or "+++"'],
    ['Segmentation fault', 'the name of a call and "("'],
    ['\u0000\u0001\u0002', 'a system call, "<... NAME resumed>", "---" or "+++"'],
    ['7 1795394394.5 munmap(18446744073709551615, 4096) = 0', 'addresses and lengths below 2^53, or page-aligned ones'],
  ])('strace: %s', (bad, expected) => {
    expect(expectedAt('strace', bad)).toBe(expected);
  });

  it.each([
    ['nothing of the kind', 'a line of perf script: "comm pid/tid time: event: fields"'],
    ['a 7/7 2.5:', 'a line of perf script: "comm pid/tid time: event: fields"'],
    ['a 7/7 2.5: exceptions:page_fault_user: addr', '"address="'],
    ['a 7/7 2.5: exceptions:page_fault_user: address=xyz', 'the faulting address'],
    ['a 7/7 2.5: exceptions:page_fault_user: address=0x1000 ip=0x1', '"ip=" and "error_code="'],
    ['a 7/7 2.5: syscalls:sys_enter_munmap: addr', 'a ":" behind the name of an argument'],
    ['a 7/7 2.5: syscalls:sys_enter_munmap: addr: ', 'the value of an argument'],
    ['a 7/7 2.5: syscalls:sys_exit_munmap: ', 'a result'],
    ['a 7/7 2.5: PERF_RECORD_MMAP2 7/7: [0x1000(0x2000) @ 0', 'the device of the file as "major:minor"'],
    ['a 7/7 2.5: PERF_RECORD_MMAP2 7/7: [0x1000(0x2000', 'the ")" behind the length of the mapping'],
    ['a 7/7 2.5: PERF_RECORD_FORK(1:1', 'a ")" behind the tid'],
    ['a 7/7 2.5: task:task_newtask: pid=8 comm=x', '"pid=" and "clone_flags="'],
    ['a 7/7 2.5: sched:sched_process_exec: filename=/x', '"filename=", "pid=" and "old_pid="'],
  ])('perf: %s', (bad, expected) => {
    expect(expectedAt('perf', bad)).toBe(expected);
  });

  it('shows the beginning of the line without control characters', () => {
    const { report } = parseRecording(`\u001b[31m${'x'.repeat(200)}\n`, { format: 'strace' });
    expect(report.diagnostics[0]?.text).toBe(`\u00b7[31m${'x'.repeat(115)}\u2026`);
  });

  it('keeps the first diagnostics only, and counts all', () => {
    const { report } = parseRecording('bad\n'.repeat(50), { format: 'strace', maxDiagnostics: 3 });
    expect(report.malformed).toBe(50);
    expect(report.diagnostics.map(({ line }) => line)).toEqual([1, 2, 3]);
  });

  it('counts a completion whose start is not in the recording', () => {
    const strace = parseRecording('7 1.0 <... munmap resumed>) = 0', { format: 'strace' });
    expect(strace.report).toMatchObject({ unpaired: 1, malformed: 0 });
    const perf = parseRecording('a 7/7 2.5: syscalls:sys_exit_munmap: 0x0', { format: 'perf' });
    expect(perf.report).toMatchObject({ unpaired: 1, malformed: 0 });
  });

  it('refuses the completion of another call than the one that was begun', () => {
    const lines = ['7 1.0 munmap(0x1000, 4096 <unfinished ...>', '7 1.0 <... brk resumed>) = 0x1000'];
    const { report } = parseRecording(lines.join('\n'), { format: 'strace' });
    expect(report.diagnostics).toMatchObject([
      { line: 2, expected: 'the resumption of munmap, which thread 7 began in line 1' },
    ]);
    expect(report.unfinished).toBe(1);
  });

  it('counts calls that never completed', () => {
    const strace = parseRecording('7 1.0 munmap(0x1000, 4096 <unfinished ...>', { format: 'strace' });
    expect(strace.report.unfinished).toBe(1);
    const detached = parseRecording('7 1.0 munmap(0x1000, 4096 <detached ...>', { format: 'strace' });
    expect(detached.report).toMatchObject({ unfinished: 1, malformed: 0 });
    const perf = parseRecording('a 7/7 2.5: syscalls:sys_enter_munmap: addr: 0x1000, len: 0x1000', { format: 'perf' });
    expect(perf.report.unfinished).toBe(1);
  });
});

const FORMATS: readonly RecordingFormat[] = ['strace', 'perf', 'tracefs'];

/** Pieces of real lines, so that random text gets deep into the parsers. */
const PIECES = [
  '7 1795394394.5 ',
  '[pid 7] ',
  'mmap(',
  'mremap(0x7f0000000000, 4096, 8192, ',
  'clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD',
  'clone3({flags=CLONE_THREAD, stack=0x1}',
  'execve("/bin/true", ["true"], ',
  'prctl(PR_SET_VMA, ',
  '<unfinished ...>',
  '<... mmap resumed>',
  ') = ',
  '0x7f0000000000',
  'MAP_PRIVATE|MAP_ANONYMOUS',
  '3</tmp/x>(deleted)',
  '-1 ENOMEM (Cannot allocate memory)',
  '+++ exited with 0 +++',
  '--- SIGSEGV {si_signo=SIGSEGV, si_addr=NULL} ---',
  'a 7/7  2.5: ',
  'syscalls:sys_enter_mmap: ',
  'syscalls:sys_exit_mmap: ',
  'addr: 0x1000, ',
  'exceptions:page_fault_user: address=0x1000 ip=0x1 error_code=',
  'PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ ',
  'PERF_RECORD_FORK(8:8):(7:7)',
  'task:task_newtask: pid=8 comm=a clone_flags=100',
  ', ',
  '"',
  '\\',
  '<',
  '>',
  '\n',
  '\r\n',
];

describe('whatever the bytes are', () => {
  it('no input makes a parser throw, and every line is counted once', { timeout: 60_000 }, () => {
    const text = fc
      .array(
        fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ unit: 'binary', maxLength: 8 })),
      )
      .map((pieces) => Buffer.from(pieces.join(''), 'utf8'));
    const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(text, bytes), fc.constantFrom(...FORMATS), (input, format) => {
        fc.pre(!(input[0] === 0x1f && input[1] === 0x8b));
        const { report, events } = parseRecording(input, { format });
        const lineFeeds = input.filter((byte) => byte === 0x0a).length;
        const lines = lineFeeds + (input.length > 0 && input.at(-1) !== 0x0a ? 1 : 0);
        expect(report.lines).toBe(lines);
        expect(report.malformed + report.ignored).toBeLessThanOrEqual(lines);
        for (const event of events) expect(event.line).toBeLessThanOrEqual(lines);
      }),
      { numRuns: 600 },
    );
  });
});
