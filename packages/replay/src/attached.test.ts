import { afterAll, describe, expect, it } from 'vitest';
import { HELLO_MAPS, TestFiles, anonymous, helloMaps, mapped, replayLines } from './testing/recordings.js';

/* A recorder that attaches to a running program sees neither its execve nor what it had mapped before. */

const files = new TestFiles();
afterAll(() => files.remove());

const A = '0x7ffff7000000';

describe('a recording that begins in the middle of a life', () => {
  it('starts from maps given by hand', async () => {
    const startMaps = files.write('start', helloMaps(anonymous('7ffff7000000-7ffff7002000')));
    const endMaps = files.write('end', helloMaps(anonymous('7ffff7000000-7ffff7001000', 'r--p')));
    const lines = [`7 munmap(0x7ffff7001000, 4096) = 0`, `7 mprotect(${A}, 4096, PROT_READ) = 0`];
    expect(await replayLines(lines, { startMaps, endMaps })).toMatchObject({
      ok: true,
      vmas: { start: 6, end: 6 },
      checks: { endLayouts: { matched: 1, total: 1 }, results: { matched: 2, total: 2 } },
      unknowable: {},
    });
  });

  it('presumes what calls succeed on, when there are none', async () => {
    const lines = [mapped('0x7ffff6000000', 4096, 7), `7 mprotect(${A}, 8192, PROT_READ) = 0`];
    const result = await replayLines([...lines, `7 mremap(${A}, 8192, 4096, 0) = ${A}`]);
    expect(result).toMatchObject({ ok: true, checks: { results: { matched: 2, total: 2 } }, vmas: { end: 2 } });
    expect(result.unknowable).toEqual({ 'memory mapped before the recording began': 1 });
  });

  it('takes the threads for those of one process when nothing tells', async () => {
    const result = await replayLines([mapped(A, 8192, 7), `8 munmap(${A}, 8192) = 0`]);
    expect(result).toMatchObject({ ok: true, vmas: { end: 0 } });
    expect(result.unknowable).toEqual({ 'who shares memory with whom': 1 });
  });

  it('of perf starts from the list that it makes of the process and its threads', async () => {
    const lines = [
      'att 0 [000] 0.0: PERF_RECORD_COMM: att:7/7',
      'att 0 [000] 0.0: PERF_RECORD_COMM: att:7/8',
      'att 0 [000] 0.0: PERF_RECORD_MMAP2 7/7: [0x555555554000(0x1000) @ 0 fe:00 100 0]: r-xp /bin/att',
      `att 0 [000] 0.0: PERF_RECORD_MMAP2 7/7: [${A}(0x4000) @ 0 00:00 0 0]: rw-p //anon`,
      `att 8 [001] 5.1: syscalls:sys_enter_munmap: addr: ${A}, len: 0x00001000`,
      'att 8 [001] 5.2: syscalls:sys_exit_munmap: 0x0',
    ];
    expect(await replayLines(lines)).toMatchObject({
      ok: true,
      processes: [{ pid: 7, vmasAtStart: 2 }],
      checks: { results: { matched: 1, total: 1 } },
    });
  });

  it('in a trace folder starts from its snapshot, page offsets of moved memory unknown', async () => {
    files.write('folder/strace.txt', [
      `7 100.5 mremap(${A}, 8192, 4096, 0) = ${A}`,
      '7 101.0 exit_group(0) = ?',
      '7 101.1 +++ exited with 0 +++',
    ]);
    files.write('folder/maps/000.7.start.maps', helloMaps(anonymous('7ffff7000000-7ffff7002000')));
    files.write('folder/maps/001.7.end.maps', helloMaps(anonymous('7ffff7000000-7ffff7001000')));
    const result = await replayLines([], {}).catch((error: unknown) => String(error));
    expect(result).toContain('the input is empty');
    const { replayRecording } = await import('./replay-recording.js');
    expect(await replayRecording({ input: `${files.root}/folder` })).toMatchObject({
      ok: true,
      checks: { endLayouts: { matched: 1, total: 1 } },
    });
  });
});

describe('raw tracefs', () => {
  it('tells calls and faults, but not what an execve maps', async () => {
    const head = '            hello-7     [001] d....  2853.570984: ';
    const lines = [
      `${head}sys_execve(filename: 7ffe, argv: 0, envp: 0)`,
      `${head}sched_process_exec: filename=/bin/hello pid=7 old_pid=7`,
      `${head}sys_execve -> 0x0`,
      `${head}sys_mmap(addr: 0, len: 2000, prot: 3, flags: 22, fd: ffffffff, off: 0)`,
      `${head}sys_mmap -> ${A}`,
      `${head}page_fault_user: address=${A} ip=0x7f438769b41d error_code=0x6`,
    ];
    const startMaps = files.write('hello', HELLO_MAPS);
    expect(await replayLines(lines)).toMatchObject({ ok: true, faults: 1, vmas: { end: 1 } });
    expect(await replayLines(lines, { startMaps })).toMatchObject({ ok: true, vmas: { start: 5, end: 6 } });
  });
});
