import { describe, expect, it } from 'vitest';
import type { RecordedEvent, SyscallEventOf } from '../events.js';
import { parseRecording } from '../source/parse.js';
import type { SyscallName } from '../syscall-args.js';

/** All events of some lines of strace, which must all be understood. */
function parse(...lines: string[]): readonly RecordedEvent[] {
  const { events, report } = parseRecording(`${lines.join('\n')}\n`, { format: 'strace', name: 'x.strace' });
  expect(report.diagnostics).toEqual([]);
  return events;
}

/** The only completed call of some lines. */
function call<Name extends SyscallName>(name: Name, ...lines: string[]): SyscallEventOf<Name> {
  const found = parse(...lines).filter((event) => event.kind === 'syscall');
  expect(found.map((event) => event.call)).toEqual([name]);
  return found[0] as SyscallEventOf<Name>;
}

describe('the line forms of the recordings', () => {
  it('reads a mapping call with its place, time and result', () => {
    expect(
      parse(
        '11312 1795394394.570269 mmap(NULL, 16384, PROT_READ|PROT_WRITE, ' +
          'MAP_PRIVATE|MAP_ANONYMOUS|MAP_GROWSDOWN, -1, 0) = 0x7f4ba33db000',
      ),
    ).toEqual([
      {
        kind: 'syscall',
        pid: 11312,
        tid: 11312,
        time: 1795394394.570269,
        file: 'x.strace',
        line: 1,
        call: 'mmap',
        name: 'mmap',
        args: { address: 0, length: 16384, prot: 3, flags: 0x122, fd: -1, path: null, deleted: false, offset: 0 },
        result: 0x7f4ba33db000,
        errno: null,
        injected: false,
        startLine: 1,
        startTime: 1795394394.570269,
        duration: null,
      },
    ]);
  });

  it('takes the path of a descriptor, and that the file was deleted', () => {
    const event = call(
      'mmap',
      '11312 1795394394.576334 mmap(NULL, 131072, PROT_READ|PROT_WRITE, MAP_SHARED, 3</memfd:edges>(deleted), ' +
        '0x8000) = 0x7f4ba3175000',
    );
    expect(event.args).toMatchObject({ fd: 3, path: '/memfd:edges', deleted: true, flags: 1, offset: 0x8000 });
  });

  it('reads mremap with and without the fifth argument', () => {
    const old = call(
      'mremap',
      '1 1795394394.576603 mremap(0x7f4ba3175000, 0, 131072, MREMAP_MAYMOVE) = 0x7f4ba3155000',
    );
    expect(old.args).toEqual({
      oldAddress: 0x7f4ba3175000,
      oldLength: 0,
      newLength: 131072,
      flags: 1,
      newAddress: null,
    });
    const dontUnmap = 'mremap(0x7f4ba312d000, 32768, 32768, MREMAP_MAYMOVE|MREMAP_DONTUNMAP) = 0x7f4ba310d000';
    expect(call('mremap', `1 1795394394.577808 ${dontUnmap}`).args.flags).toBe(5);
    const fixed = 'mremap(0x7f4ba3109000, 16384, 16384, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7f4ba30cd000) = 0x7f4ba30cd000';
    expect(call('mremap', `1 1795394394.577366 ${fixed}`).args).toMatchObject({ flags: 3, newAddress: 0x7f4ba30cd000 });
  });

  it('reads the System V calls', () => {
    expect(call('shmat', '11312 1795394394.576979 shmat(3, NULL, 0) = 0x7f4ba312d000').args).toEqual({
      id: 3,
      address: 0,
      flags: 0,
    });
    expect(call('shmat', '1 1.0 shmat(3, NULL, SHM_RDONLY) = 0x7f4ba3115000').args.flags).toBe(0o10000);
    const get = call('shmget', '1 1.0 shmget(IPC_PRIVATE, 32768, IPC_CREAT|0600) = 3');
    expect(get.args).toEqual({ key: 0, length: 32768, flags: 0o1600 });
    expect(call('shmdt', '1 1.0 shmdt(0x7f4ba312d000) = 0').args.address).toBe(0x7f4ba312d000);
    expect(call('shmctl', '1 1.0 shmctl(3, IPC_RMID, NULL) = 0').args).toEqual({ id: 3, command: 0 });
  });

  it('gives a failure by the name of its error', () => {
    const event = call(
      'mprotect',
      '11312 1795394394.578431 mprotect(0x10000, 4096, PROT_READ) = -1 ENOMEM (Cannot allocate memory)',
    );
    expect(event).toMatchObject({ result: null, errno: 'ENOMEM', args: { address: 0x10000, length: 4096, prot: 1 } });
  });

  it('reads the naming of a range with prctl', () => {
    const event = call(
      'prctl',
      '11312 1795394394.578490 prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x7f4ba3105000, 4096, "name") = -1 EINVAL ' +
        '(Invalid argument)',
    );
    expect(event.args).toEqual({
      option: 0x53564d41,
      arg2: 0,
      arg3: 0x7f4ba3105000,
      arg4: 4096,
      arg5: null,
      text: 'name',
    });
  });

  it('knows that syscall_0x1ce is mseal', () => {
    const event = call(
      'mseal',
      '11312 1795394394.578643 syscall_0x1ce(0x7f4ba310f000, 0x2000, 0, 0xffffffff, 0, 0x7f4ba31b5000) = 0',
    );
    expect(event).toMatchObject({ name: 'syscall_0x1ce', args: { address: 0x7f4ba310f000, length: 0x2000, flags: 0 } });
  });

  it('keeps other calls as text, with strings that contain parentheses', () => {
    const event = call('other', '7 1795394394.1 write(1</dev/pts/0>, "a) = 1 \\"(\\" ,"..., 64) = 64');
    expect(event).toMatchObject({
      name: 'write',
      result: 64,
      args: { text: '1</dev/pts/0>, "a) = 1 \\"(\\" ,"..., 64' },
    });
    expect(call('other', '7 1795394394.1 restart_syscall(<... resuming interrupted read ...>) = 0').name).toBe(
      'restart_syscall',
    );
  });

  it('reads an unfinished call as a start and a completion', () => {
    const events = parse(
      '11312 1795394394.1 mprotect(0x7f4ba31b9000, 8192, PROT_READ <unfinished ...>',
      '11312 1795394394.2 <... mprotect resumed>) = 0',
    );
    expect(events).toMatchObject([
      { kind: 'syscall-start', line: 1, time: 1795394394.1, call: 'mprotect', args: { length: 8192, prot: 1 } },
      { kind: 'syscall', line: 2, time: 1795394394.2, startLine: 1, startTime: 1795394394.1, result: 0 },
    ]);
  });

  it('reads a vfork, whose child is born before the completion', () => {
    const events = parse(
      '14020 1795394488.567304 vfork( <unfinished ...>',
      '14020 1795394488.569501 <... vfork resumed>)        = 14021',
    );
    expect(events).toMatchObject([
      { kind: 'syscall-start', call: 'vfork', args: { flags: 0x4100 } },
      { kind: 'birth', tid: 14021, pid: 14021, parentTid: 14020, sharesMemory: true, thread: false },
      { kind: 'syscall', call: 'vfork', result: 14021 },
    ]);
  });

  it('reads arguments that are printed at the completion', () => {
    const events = parse(
      '9 1.0 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>',
      '9 1.1 <... clone resumed>, child_tidptr=0x7f4ba31f5a10) = 11313',
      '9 1.2 io_setup(128 <unfinished ...>',
      '9 1.3 <... io_setup resumed>, [0x7f4ba31f5000]) = 0',
    );
    expect(events.filter((event) => event.kind === 'syscall')).toMatchObject([
      { call: 'clone', args: { flags: 0x1200000, stack: 0 }, result: 11313 },
      { call: 'io_setup', args: { events: 128, context: 0x7f4ba31f5000 } },
    ]);
  });

  it('reads clone3, whose flags are in a struct', () => {
    const flags = 'CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM';
    const struct = `{flags=${flags}, child_tid=0x7f2827bff990, stack=0x7f28273ff000, stack_size=0x7ff480}`;
    const line = `22686 1795394662.178674 clone3(${struct} => {parent_tid=[22710]}, 88) = 22710`;
    const [birth, made] = parse(line);
    expect(birth).toMatchObject({ kind: 'birth', tid: 22710, pid: 22686, thread: true, sharesMemory: true });
    expect(made).toMatchObject({ args: { flags: 0x50f00, stack: 0x7f28273ff000 } });
  });

  it('reads execve with a delay made by the recorder, and without a time', () => {
    const event = call(
      'execve',
      '1857  execve("/srv/demo/hello", ["/srv/demo/hello", "a\\"b"], 0x7ffe69cfca30 /* 35 vars */) = 0 (DELAYED)',
    );
    expect(event).toMatchObject({ tid: 1857, result: 0, injected: false });
    expect(event.args).toEqual({ path: '/srv/demo/hello', argv: ['/srv/demo/hello', 'a"b'] });
    expect(event.time).toBeNaN();
  });

  it('reads the end of a process', () => {
    const events = parse(
      '28220 1795393801.602521 exit_group(0 <unfinished ...>',
      '28220 1795393801.852685 <... exit_group resumed>) = ?',
      '28220 1795393801.853970 +++ exited with 0 +++',
    );
    expect(events.map((event) => event.kind)).toEqual(['syscall-start', 'syscall', 'exit']);
    expect(events[1]).toMatchObject({ call: 'exit_group', result: null, errno: null, args: { status: 0 } });
    expect(events[2]).toMatchObject({ status: 0, signal: null });
    expect(parse('1 1.0 +++ killed by SIGKILL (core dumped) +++')).toMatchObject([{ status: null, signal: 'SIGKILL' }]);
  });

  it('reads signals, with the address of a fault', () => {
    const child = '--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=22981, si_stime=1 /* 0.01 s */} ---';
    expect(parse(`22686 1795394667.496736 ${child}`)).toMatchObject([
      { signal: 'SIGCHLD', code: 'CLD_EXITED', address: null },
    ]);
    const fault = '--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x7f0000000008} ---';
    expect(parse(`1 1.0 ${fault}`)).toMatchObject([{ code: 'SEGV_MAPERR', address: 0x7f0000000008 }]);
    expect(parse('1 1.0 --- stopped by SIGSTOP ---')).toMatchObject([{ signal: 'SIGSTOP', code: null }]);
  });

  it('reads the calls of a 32-bit program', () => {
    const events = parse(
      'strace: [ Process PID=123 runs in 32 bit mode. ]',
      '123 1.0 mmap2(0xf7daa000, 1544192, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, ' +
        '3</usr/lib32/libc.so.6>, 0x22000) = 0xf7daa000',
      '123 1.0 old_mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xf7fbd000',
    );
    expect(events).toMatchObject([
      { kind: 'word-size', tid: 123, bits: 32 },
      { call: 'mmap', name: 'mmap2', args: { offset: 0x22000, path: '/usr/lib32/libc.so.6' } },
      { call: 'mmap', name: 'old_mmap' },
    ]);
  });
});

describe('the columns that options of strace add', () => {
  const rest = 'brk(NULL)       = 0x55d471f96000';

  it.each([
    [`11312 1795394394.578274 ${rest}`, 11312, 1795394394.578274],
    [`1795394394.578274 ${rest}`, 0, 1795394394.578274],
    [rest, 0, Number.NaN],
    [`[pid 11312] ${rest}`, 11312, Number.NaN],
    [`[pid   113] 01:02:03.500000 ${rest}`, 113, 3723.5],
    [`11312 01:02:03 ${rest}`, 11312, 3723],
    [`11312<edges> 01:02:03 ${rest}`, 11312, 3723],
    [`     0.000250 ${rest}`, 0, 0.00025],
    [`11312 1795394394.578274 (+     0.000012) ${rest}`, 11312, 1795394394.578274],
    [`11312 1795394394.578274 [00007f4ba33e5000] ${rest}`, 11312, 1795394394.578274],
    [`11312 [  12] ${rest}`, 11312, Number.NaN],
  ])('%s', (line, tid, time) => {
    expect(call('brk', line)).toMatchObject({ tid, time, result: 0x55d471f96000 });
  });

  it('adds relative times up', () => {
    const events = parse(`7      0.000000 ${rest}`, `7      0.250000 ${rest}`, `7      1.500000 ${rest}`);
    expect(events.map((event) => event.time)).toEqual([0, 0.25, 1.75]);
  });

  it('adds a day when the clock passes midnight', () => {
    const [before, after] = parse(`7 23:59:59.5 ${rest}`, `7 00:00:00.5 ${rest}`);
    expect((after?.time as number) - (before?.time as number)).toBe(1);
  });

  it('takes the time spent in a call', () => {
    expect(call('brk', `7 1.0 ${rest} <0.000012>`).duration).toBe(0.000012);
    const failed = 'munmap(0x7f4ba310d000, 32768) = -1 EPERM (Operation not permitted) <0.000100>';
    expect(call('munmap', `7 1.0 ${failed}`)).toMatchObject({ errno: 'EPERM', duration: 0.0001 });
  });

  it('says which clock the times are of', () => {
    const clockOf = (line: string): string => parseRecording(line, { format: 'strace' }).clock;
    expect(clockOf(`7 1795394394.5 ${rest}`)).toBe('realtime');
    expect(clockOf(`7 12:00:00 ${rest}`)).toBe('time-of-day');
    expect(clockOf(`7 0.25 ${rest}`)).toBe('relative');
    expect(clockOf(`7 ${rest}`)).toBe('none');
  });

  it('leaves stack traces and notes out', () => {
    const { events, report } = parseRecording(
      [
        'strace: Process 123 attached with 2 threads',
        'Process 124 detached',
        `123 ${rest}`,
        ' > /usr/lib/x86_64-linux-gnu/libc.so.6(brk+0xb) [0x10a7bb]',
        '',
      ].join('\n'),
      { format: 'strace' },
    );
    expect(events).toHaveLength(1);
    expect(report).toMatchObject({ lines: 4, ignored: 3, malformed: 0 });
  });
});

describe('forms of arguments and results', () => {
  it('adds unknown flag bits that are printed as a number', () => {
    expect(call('mremap', '1 1.0 mremap(0x1000, 1, 2, MREMAP_MAYMOVE|0x8) = 0x1000').args.flags).toBe(9);
    expect(call('mremap', '1 1.0 mremap(0x1000, 1, 2, 0x20 /* MREMAP_??? */) = 0x1000').args.flags).toBe(32);
    const huge =
      'mmap(NULL, 2097152, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, -1, 0) = ' +
      '0x7f0000000000';
    expect(call('mmap', `1 1.0 ${huge}`).args.flags).toBe(0x54040022);
  });

  it('reads raw and annotated values (-X raw, -X verbose)', () => {
    expect(call('mprotect', '1 1.0 mprotect(0x1000, 0x2000, 0x3) = 0').args.prot).toBe(3);
    expect(call('mprotect', '1 1.0 mprotect(0x1000, 8192, 0x3 /* PROT_READ|PROT_WRITE */) = 0').args.prot).toBe(3);
    const [, made] = parse(
      '1 1.0 clone(child_stack=NULL, flags=0x4100 /* CLONE_VM|CLONE_VFORK */|17 /* SIGCHLD */) = 2',
    );
    expect(made).toMatchObject({ call: 'clone', args: { flags: 0x4100 }, result: 2 });
  });

  it('keeps a result that the recorder made up apart', () => {
    const line = '1 1.0 mremap(0x1000, 4096, 8192, 0) = -1 ENOMEM (Cannot allocate memory) (INJECTED)';
    expect(call('mremap', line)).toMatchObject({ errno: 'ENOMEM', injected: true });
  });

  it('gives calls that are to be restarted their kernel error', () => {
    const line = '1 1.0 pause() = ? ERESTARTNOHAND (To be restarted if no handler)';
    expect(call('other', line)).toMatchObject({ result: null, errno: 'ERESTARTNOHAND' });
    expect(call('other', '1 1.0 foo() = -1 (errno 600)').errno).toBe('errno 600');
  });

  it('reads a call in which the task died', () => {
    const [event] = parse('1 1.0 munmap(0x7f0000000000, 4096 <unfinished ...>) = ?');
    expect(event).toMatchObject({ kind: 'syscall', call: 'munmap', result: null, errno: null });
  });

  it('resolves escapes in paths, and takes sockets and devices for what they are', () => {
    const pathOf = (fd: string): string | null =>
      call('mmap', `1 1.0 mmap(NULL, 1, PROT_READ, MAP_SHARED, ${fd}, 0) = 0x1000`).args.path;
    expect(pathOf('3</tmp/a\\74b\\76 c>')).toBe('/tmp/a<b> c');
    expect(pathOf('3</tmp/->')).toBe('/tmp/-');
    expect(pathOf('3</dev/zero<char 1:5>>')).toBe('/dev/zero');
    expect(pathOf('3<TCP:[127.0.0.1:80->127.0.0.1:90]>')).toBe('TCP:[127.0.0.1:80->127.0.0.1:90]');
    expect(pathOf('3</tmp/\\303\\244>')).toBe('/tmp/\u00e4');
  });

  it('reads ranges of other processes', () => {
    const advise = 'process_madvise(4, [{iov_base=0x7f0000000000, iov_len=8192}], 1, MADV_COLD, 0) = 8192';
    expect(call('process_madvise', `1 1.0 ${advise}`).args).toEqual({
      pidfd: 4,
      ranges: [{ address: 0x7f0000000000, length: 8192 }],
      advice: 20,
      flags: 0,
    });
    const write = 'process_vm_writev(99, [{iov_base="ab", iov_len=2}], 1, [{iov_base=0x7f00, iov_len=2}], 1, 0) = 2';
    expect(call('process_vm_writev', `1 1.0 ${write}`).args).toEqual({
      targetPid: 99,
      local: null,
      remote: [{ address: 0x7f00, length: 2 }],
    });
  });

  it.each([
    ['madvise', 'madvise(0x7f0000000000, 32768, MADV_POPULATE_WRITE) = 0', { advice: 23 }],
    ['mlock2', 'mlock2(0x7f0000000000, 4096, MLOCK_ONFAULT) = 0', { flags: 1 }],
    ['mlockall', 'mlockall(MCL_CURRENT|MCL_FUTURE) = 0', { flags: 3 }],
    ['munlockall', 'munlockall()    = 0', {}],
    ['msync', 'msync(0x7f0000000000, 4096, MS_SYNC) = 0', { flags: 4 }],
    [
      'memfd_create',
      'memfd_create("java_heap", MFD_CLOEXEC) = 3</memfd:java_heap>(deleted)',
      { name: 'java_heap', flags: 1 },
    ],
    ['userfaultfd', 'userfaultfd(O_CLOEXEC|O_NONBLOCK|UFFD_USER_MODE_ONLY) = 3', { flags: 0o2004001 }],
    ['io_destroy', 'io_destroy(0x7f0000000000) = 0', { context: 0x7f0000000000 }],
    [
      'mbind',
      'mbind(0x7f0000000000, 4096, MPOL_BIND|MPOL_F_STATIC_NODES, [0x1], 65, MPOL_MF_MOVE) = 0',
      { mode: 0x8002, flags: 2 },
    ],
    [
      'arch_prctl',
      'arch_prctl(0x3001 /* ARCH_??? */, 0x7ffc00000000) = -1 EINVAL (Invalid argument)',
      { code: 0x3001 },
    ],
    ['personality', 'personality(PER_LINUX|ADDR_NO_RANDOMIZE) = 0 (PER_LINUX)', { persona: 0x40000 }],
    ['remap_file_pages', 'remap_file_pages(0x7f0000000000, 4096, 0, 3, 0) = 0', { pageOffset: 3 }],
    ['pkey_mprotect', 'pkey_mprotect(0x7f0000000000, 4096, PROT_READ, -1) = 0', { pkey: -1 }],
    ['mseal', 'mseal(0x7f0000000000, 4096, 0) = 0', { length: 4096 }],
    ['execveat', 'execveat(AT_FDCWD</srv>, "hello", ["hello"], 0x7ff /* 1 var */, 0) = 0', { path: 'hello' }],
    ['fork', 'fork() = 77', { flags: 0 }],
    ['exit', 'exit(0)         = ?', { status: 0 }],
  ] as const)('%s', (name, line, args) => {
    expect(call(name, `7 1795394394.5 ${line}`).args).toMatchObject(args);
  });

  it('follows a child into another pid namespace', () => {
    const [birth] = parse("7 1.0 fork() = 12 /* 34567 in strace's PID NS */");
    expect(birth).toMatchObject({ kind: 'birth', tid: 34567 });
  });

  it('keeps page-aligned addresses of 57 bits exact', () => {
    const line = 'mmap(0x1fffffffff3000, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xfffffffff3000';
    expect(call('mmap', `1 1.0 ${line}`).result).toBe(0xfffffffff3000);
    const wide = call('munmap', '1 1.0 munmap(0xfffffffffff000, 4096) = 0');
    expect(BigInt(wide.args.address)).toBe(0xfffffffffff000n);
  });

  it('accepts a number that does not fit where the call failed', () => {
    const failed = 'munmap(0x7f0000000000, 18446744073709551615) = -1 EINVAL (Invalid argument)';
    expect(call('munmap', `1 1.0 ${failed}`).errno).toBe('EINVAL');
  });
});
