import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../events.js';
import { parseRecording } from '../source/parse.js';

/** All events of some lines of perf script, which must all be understood. */
function parse(...lines: string[]): readonly RecordedEvent[] {
  const { events, report } = parseRecording(`${lines.join('\n')}\n`, { format: 'perf', name: 'x.perf' });
  expect(report.diagnostics).toEqual([]);
  return events;
}

function kinds(events: readonly RecordedEvent[]): string[] {
  return events.map((event) => event.kind);
}

describe('the line forms of perf script', () => {
  it('reads a call as a start and a completion', () => {
    const events = parse(
      'edges 11312/11312  1779.236601749: syscalls:sys_enter_mlock2: start: 0x7f4ba33e5000, len: 0x00001000, ' +
        'flags: 0x00000001',
      'edges 11312/11312  1779.236607979:  syscalls:sys_exit_mlock2: 0x0',
    );
    const args = { address: 0x7f4ba33e5000, length: 4096, flags: 1 };
    const base = { pid: 11312, tid: 11312, file: 'x.perf', call: 'mlock2', name: 'mlock2', args };
    expect(events).toEqual([
      { kind: 'syscall-start', ...base, time: 1779.236601749, line: 1 },
      {
        kind: 'syscall',
        ...base,
        time: 1779.236607979,
        line: 2,
        result: 0,
        errno: null,
        injected: false,
        startLine: 1,
        startTime: 1779.236601749,
        duration: null,
      },
    ]);
  });

  it('reads the lines with the columns as perf aligns them, also for a command with spaces and digits', () => {
    const line = (comm: string): string =>
      `${comm.padStart(16)} 30449/30452  2445.774384226:           exceptions:page_fault_user: ` +
      `address=0x7f0a730d1690 ip=0x1 error_code=0x6`;
    for (const comm of ['edges', 'GC Thread#0', 'a/b 1/2 3.4:', 'kworker/u8:1-ev']) {
      expect(parse(line(comm))).toMatchObject([{ pid: 30449, tid: 30452, time: 2445.774384226, write: true }]);
    }
    const loose =
      'GC Thread#0 30449/30452  2445.774384226: exceptions:page_fault_user: address=0x1000 ip=0x1 error_code=0x6';
    expect(parse(loose)).toMatchObject([{ pid: 30449, tid: 30452 }]);
  });

  it('reads mmap, whose descriptor is a 32-bit number', () => {
    const line = (fd: string): string =>
      `strace 25109/25109  1092.070162: syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, prot: ` +
      `0x00000003, flags: 0x00000022, fd: ${fd}, off: 0x00001000`;
    const args = { address: 0, length: 8192, prot: 3, flags: 0x22, fd: -1, path: null, deleted: false, offset: 4096 };
    expect(parse(line('0xffffffff'))).toMatchObject([{ call: 'mmap', args }]);
    expect(parse(line('0xffffffffffffffff'))).toMatchObject([{ args: { fd: -1 } }]);
    expect(parse(line('0x00000003'))).toMatchObject([{ args: { fd: 3 } }]);
  });

  it('reads mremap with the fifth argument always there, whatever a register held', () => {
    const events = parse(
      'a 1/1  2.0: syscalls:sys_enter_mremap: addr: 0x7f1367b00000, old_len: 0x00007000, new_len: 0x00007000, ' +
        'flags: 0x00000001, new_addr: 0xfffffffffffff123',
      'a 1/1  2.1: syscalls:sys_exit_mremap: 0x7f13678a2000',
    );
    expect(events[1]).toMatchObject({ args: { oldAddress: 0x7f1367b00000, flags: 1 }, result: 0x7f13678a2000 });
  });

  it('gives a failure by the name of its error', () => {
    const enter = 'a 1/1  2.0: syscalls:sys_enter_munmap: addr: 0x7f1367b00000, len: 0x00007000';
    const exit = (value: string): RecordedEvent | undefined =>
      parse(enter, `a 1/1  2.1: syscalls:sys_exit_munmap: ${value}`)[1];
    expect(exit('0xfffffffffffffff4')).toMatchObject({ result: null, errno: 'ENOMEM' });
    expect(exit('0xffffffffffffffff')).toMatchObject({ result: null, errno: 'EPERM' });
    expect(exit('0xfffffffffffffe00')).toMatchObject({ result: null, errno: 'ERESTARTSYS' });
  });

  it('decodes the error code of a fault', () => {
    const fault = (kind: string, code: string): RecordedEvent | undefined =>
      parse(
        `strace 1/1  1092.070168: exceptions:page_fault_${kind}: address=0x7f8873343008 ip=0x7f885535323e ` +
          `error_code=${code}`,
      )[0];
    const address = 0x7f8873343008;
    const none = { write: false, present: false, fetch: false };
    expect(fault('user', '0x6')).toMatchObject({ ...none, address, errorCode: 6, write: true, user: true });
    expect(fault('user', '0x7')).toMatchObject({ ...none, write: true, present: true });
    expect(fault('user', '0x4')).toMatchObject(none);
    expect(fault('user', '0x14')).toMatchObject({ ...none, fetch: true });
    expect(
      parse(
        'strace 1/1  1092.069903: exceptions:page_fault_kernel: address=0x7fff6d9eede9 ip=_copy_to_user error_code=0x2',
      ),
    ).toMatchObject([{ ...none, write: true, user: false }]);
  });

  it('reads the record of a mapping', () => {
    const [event] = parse(
      'strace 25109/25109  1092.070166: PERF_RECORD_MMAP2 25109/25109: [0x7f8873343000(0x2000) @ 0x7f8873343000 ' +
        '00:00 0 0]: rw-p //anon',
    );
    expect(event).toEqual({
      kind: 'mmap2',
      pid: 25109,
      tid: 25109,
      time: 1092.070166,
      file: 'x.perf',
      line: 1,
      start: 0x7f8873343000,
      length: 0x2000,
      pageOffsetBytes: 0x7f8873343000,
      prot: 3,
      shared: false,
      device: '00:00',
      inode: 0,
      name: '//anon',
    });
  });

  it('reads records of files, of build ids, of the older form, and leaves those of the kernel out', () => {
    const record = (text: string): readonly RecordedEvent[] => parse(`a 7/7  2.0: ${text}`);
    expect(
      record('PERF_RECORD_MMAP2 7/7: [0x7f0a(0x1000) @ 0 fe:00 1196418 1376399964]: rw-s /tmp/a b (deleted)'),
    ).toMatchObject([
      { device: 'fe:00', inode: 1196418, shared: true, name: '/tmp/a b (deleted)', pageOffsetBytes: 0 },
    ]);
    expect(record('PERF_RECORD_MMAP2 7/7: [0x7f0a(0x1000) @ 0x1000 <0a1b2c>]: r-xp /bin/true')).toMatchObject([
      { device: null, inode: null, prot: 5 },
    ]);
    expect(record('PERF_RECORD_MMAP 7/7: [0x7f0a(0x1000) @ 0x1000]: x /bin/true')).toMatchObject([
      { prot: null, name: '/bin/true' },
    ]);
    expect(
      record('PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x12090c8) @ 0xffffffff81000000]: x [kernel.kallsyms]_text'),
    ).toEqual([]);
  });

  it('reads an exec with the records around it', () => {
    const events = parse(
      'strace 14020/14020  1872.1: syscalls:sys_enter_execve: filename: 0x7ffef87429e0, argv: 0x7ffef8743ec0, ' +
        'envp: 0x7ffef8743ed8',
      'env 14020/14020  1872.2: PERF_RECORD_COMM exec: env:14020/14020',
      'env 14020/14020  1872.861411769:    sched:sched_process_exec: filename=/usr/bin/my env pid=14020 old_pid=14020',
      'env 14020/14020  1872.9: syscalls:sys_exit_execve: 0x0',
    );
    expect(events).toMatchObject([
      { kind: 'syscall-start', call: 'execve', args: { path: null, argv: null } },
      { kind: 'comm', comm: 'env', exec: true },
      { kind: 'exec', filename: '/usr/bin/my env', oldTid: 14020 },
      { kind: 'syscall', call: 'execve', result: 0 },
    ]);
  });

  it('reads an exec by a thread, which goes on under the id of the leader', () => {
    const events = parse(
      'a 1/2  1.1: syscalls:sys_enter_execve: filename: 0x7ffef87429e0, argv: 0x7ffef8743ec0, envp: 0x7ffef8743ed8',
      'b 1/1  1.2: sched:sched_process_exec: filename=/bin/b pid=1 old_pid=2',
      'b 1/1  1.3: syscalls:sys_exit_execve: 0x0',
    );
    expect(events[2]).toMatchObject({ call: 'execve', tid: 1, startLine: 1 });
  });

  it('reads names of tasks with colons in them', () => {
    expect(parse('x 31043/31044  0.000000000: PERF_RECORD_COMM: mc:log:31043/31044')).toMatchObject([
      { kind: 'comm', comm: 'mc:log', exec: false, pid: 31043, tid: 31044 },
    ]);
  });

  it('reads the end of a task, which is told twice', () => {
    const events = parse(
      'VM Thread 30449/30455  2446.1: sched:sched_process_exit: comm=VM Thread pid=30455 prio=120 group_dead=false',
      'VM Thread 30449/30455  2446.2: PERF_RECORD_EXIT(30449:30455):(30449:30455)',
    );
    expect(events).toMatchObject([
      { kind: 'exit', pid: 30449, tid: 30455, lastThread: false },
      { kind: 'exit', pid: 30449, tid: 30455, lastThread: null },
    ]);
  });

  it('counts lost events', () => {
    const { events, report } = parseRecording(' swapper     0/0  1.5: PERF_RECORD_LOST lost 13\n', { format: 'perf' });
    expect(events).toMatchObject([{ kind: 'lost', count: 13 }]);
    expect(report.lost).toBe(13);
  });

  it('takes the kernel release from the header of perf script --header', () => {
    const { kernel, report } = parseRecording('# ========\n# os release : 6.18.44\n#\n', { format: 'perf' });
    expect(kernel).toBe('6.18.44');
    expect(report).toMatchObject({ ignored: 3, malformed: 0 });
  });

  it('leaves events of other kinds out', () => {
    const { events, report } = parseRecording('a 1/1  1.5:          1 cycles:  ffffffff8 foo\n', { format: 'perf' });
    expect(events).toEqual([]);
    expect(report).toMatchObject({ ignored: 1, malformed: 0 });
  });

  it('reads lines with a cpu column or without a pid', () => {
    const fault = 'exceptions:page_fault_user: address=0x1000 ip=0x1 error_code=0x6';
    expect(parse(`           edges 11312/11313 [001]  1779.5: ${fault}`)).toMatchObject([{ pid: 11312, tid: 11313 }]);
    expect(parse(`           edges   11313 [001]  1779.5: ${fault}`)).toMatchObject([{ pid: 11313, tid: 11313 }]);
    expect(parse(`       perf-exec     0 [-01]     0.000000: ${fault}`)).toMatchObject([{ pid: 0, tid: 0, time: 0 }]);
    expect(parse(`edges 11313 [-01]  1779.5: ${fault}`)).toMatchObject([{ pid: 11313, tid: 11313 }]);
    expect(parse(`edges 11313  1779.5: ${fault}`)).toMatchObject([{ pid: 11313, tid: 11313 }]);
  });
});

describe('births in a perf recording', () => {
  const fork = 'g++ 14020/14020  1873.234553391: PERF_RECORD_FORK(14021:14021):(14020:14020)';
  const enter =
    'g++ 14020/14020  1873.1: syscalls:sys_enter_clone: clone_flags: 0x00004111, newsp: 0x0, parent_tidptr: 0x0, ' +
    'child_tidptr: 0x0, tls: 0x0';
  const newTask =
    'g++ 14020/14020  1873.234556635: task:task_newtask: pid=14021 comm=g++ x clone_flags=4100 oom_score_adj=0';
  const child = 'g++ 14021/14021  1873.3: exceptions:page_fault_user: address=0x1000 ip=0x1 error_code=0x6';

  it('combine the fork record and the new task', () => {
    const events = parse(fork, newTask, child);
    expect(kinds(events)).toEqual(['fork-record', 'new-task', 'birth', 'page-fault']);
    expect(events[1]).toMatchObject({ pid: 14020, childTid: 14021, flags: 0x4100 });
    expect(events[2]).toMatchObject({
      tid: 14021,
      pid: 14021,
      parentPid: 14020,
      flags: 0x4100,
      sharesMemory: true,
      thread: false,
    });
  });

  it('go by the flags of the call where the new task is not recorded', () => {
    const events = parse(enter, fork, child);
    expect(kinds(events)).toEqual(['syscall-start', 'fork-record', 'birth', 'page-fault']);
    expect(events[2]).toMatchObject({ flags: 0x4100, sharesMemory: true });
  });

  it('have no flags where nothing tells them; equal pids mean a thread', () => {
    expect(parse(fork, child)[1]).toMatchObject({ flags: null, sharesMemory: false, thread: false });
    const threads = parse(
      'redis-server 22686/22686  2046.845919909: PERF_RECORD_FORK(22686:22710):(22686:22686)',
      'redis-server 22686/22710  2046.9: exceptions:page_fault_user: address=0x1000 ip=0x1 error_code=0x6',
    );
    expect(threads[1]).toMatchObject({ kind: 'birth', tid: 22710, flags: null, sharesMemory: true, thread: true });
  });

  it('come once, though the call that makes a task returns twice', () => {
    const events = parse(
      'redis-server 22686/22686  2046.845059836: syscalls:sys_enter_clone3: uargs: 0x7ffec42c87f0, size: 0x00000058',
      'redis-server 22686/22686  2046.845919909: PERF_RECORD_FORK(22686:22710):(22686:22686)',
      'redis-server 22686/22686  2046.845919999: task:task_newtask: pid=22710 comm=redis-server ' +
        'clone_flags=3d0f00 oom_score_adj=0',
      'redis-server 22686/22710  2046.846: syscalls:sys_exit_clone3: 0x0',
      'redis-server 22686/22686  2046.847: syscalls:sys_exit_clone3: 0x58b6',
    );
    expect(kinds(events)).toEqual(['syscall-start', 'fork-record', 'new-task', 'birth', 'syscall']);
    expect(events[4]).toMatchObject({ call: 'clone3', args: { flags: null }, result: 22710 });
  });
});

describe('raw tracefs text', () => {
  const parseRaw = (...lines: string[]): readonly RecordedEvent[] => {
    const { events, report, format } = parseRecording(`${lines.join('\n')}\n`);
    expect(format).toBe('tracefs');
    expect(report.diagnostics).toEqual([]);
    return events;
  };

  it('reads faults and system calls', () => {
    const events = parseRaw(
      '# tracer: nop',
      '           hello-2761    [001] d....  2853.570984: page_fault_user: address=0x7f43878322c8 ' +
        'ip=0x7f438769b41d error_code=0x7',
      '           hello-2761    [001] .....  2853.571000: sys_mremap(addr: 7f43875fa000, old_len: 1000, new_len: ' +
        '2000, flags: 1, new_addr: 0)',
      '           hello-2761    [001] .....  2853.571001: sys_mremap -> 0x7f43875fa000',
      '           hello-2761    [001] .....  2853.571002: sys_munmap(addr: 0x7f43875fa000, len: 0x1000)',
      '           hello-2761    [001] .....  2853.571003: sys_munmap -> 0xffffffffffffffea',
    );
    expect(events).toMatchObject([
      { kind: 'page-fault', tid: 2761, time: 2853.570984, address: 0x7f43878322c8, write: true, present: true },
      { kind: 'syscall-start', call: 'mremap' },
      { kind: 'syscall', call: 'mremap', args: { oldLength: 4096, newLength: 8192, flags: 1 }, result: 0x7f43875fa000 },
      { kind: 'syscall-start', call: 'munmap' },
      { kind: 'syscall', call: 'munmap', errno: 'EINVAL' },
    ]);
  });

  it('knows processes from births, and counts what was lost', () => {
    const events = parseRaw(
      '        my-thread-10    [001] .....  1.0: task_newtask: pid=11 comm=my clone_flags=3d0f00 oom_score_adj=0',
      '        my-thread-11    [000] d....  1.1: page_fault_user: address=0x1000 ip=0x1 error_code=0x4',
      'CPU:1 [LOST 13 EVENTS]',
    );
    expect(events).toMatchObject([
      { kind: 'new-task', tid: 10 },
      { kind: 'birth', tid: 11, pid: 10, thread: true },
      { kind: 'page-fault', tid: 11, pid: 10 },
      { kind: 'lost', count: 13 },
    ]);
  });

  it('reads strings that newer kernels show behind a pointer', () => {
    const events = parseRaw(
      '           hello-2761    [001] .....  2853.5: sys_execve(filename: 0x7ffe0000 "/bin/a, b", argv: ' +
        '0x7ffe1000, envp: 0x7ffe2000)',
      '           hello-2761    [001] .....  2853.6: sys_execve -> 0x0',
    );
    expect(events).toMatchObject([{ call: 'execve' }, { call: 'execve', result: 0 }]);
  });
});
