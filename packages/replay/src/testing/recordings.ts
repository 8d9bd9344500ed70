import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ReplayRequest, replayRecording } from '../replay-recording.js';
import type { ReplayResult } from '../result.js';

/** Replays the text of a recording, which is called `text`. */
export function replayLines(
  lines: readonly string[],
  request: Omit<ReplayRequest, 'input' | 'name'> = {},
): Promise<ReplayResult> {
  return replayRecording({ ...request, input: inPieces(lines), name: 'text' });
}

/** The text of a recording as a stream would bring it. */
export async function* inPieces(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(`${line}\n`);
}

/** A folder for the files of a test. */
export class TestFiles {
  readonly root: string = mkdtempSync(join(tmpdir(), 'vmakit-replay-'));

  /** Writes a file of these lines; gives its path. */
  write(name: string, lines: readonly string[]): string {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

/** `/proc/PID/maps` of a small program, as its execve leaves it. */
export const HELLO_MAPS: readonly string[] = [
  '555555554000-555555555000 r-xp 00000000 fe:00 100                        /bin/hello',
  '555555555000-555555556000 rw-p 00001000 fe:00 100                        /bin/hello',
  '7ffff7fc0000-7ffff7fc4000 r--p 00000000 00:00 0                          [vvar]',
  '7ffff7fc4000-7ffff7fc6000 r-xp 00000000 00:00 0                          [vdso]',
  '7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]',
];

/** {@link HELLO_MAPS} with more lines, in the order of addresses. */
export function helloMaps(...more: readonly string[]): string[] {
  const start = (line: string): number => Number.parseInt(line, 16);
  return [...HELLO_MAPS, ...more].sort((a, b) => start(a) - start(b));
}

/** A line of maps of anonymous memory: `anonymous('7ffff7000000-7ffff7002000')`. */
export function anonymous(range: string, permissions = 'rw-p', name = ''): string {
  return `${range} ${permissions} 00000000 00:00 0 ${name}`;
}

/** strace's line of the execve that begins {@link HELLO_MAPS}. */
export function execHello(pid = 1): string {
  return `${pid} execve("/bin/hello", ["hello"], 0x7fffffffe000 /* 3 vars */) = 0`;
}

/** strace's line of an anonymous private mmap. */
export function mapped(address: string, bytes: number, pid = 1, prot = 'PROT_READ|PROT_WRITE'): string {
  return `${pid} mmap(NULL, ${bytes}, ${prot}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${address}`;
}

/**
 * What perf says of an execve of {@link HELLO_MAPS}: the call, the kernel's words about its mappings, the end, and the
 * first fault of the program.
 */
export function perfExecHello(pid = 1, time = 1): string[] {
  const head = (moment: number): string => `hello ${pid}/${pid} ${time}.${String(moment).padStart(6, '0')}:`;
  const record = (moment: number, text: string): string => `${head(moment)} PERF_RECORD_MMAP2 ${pid}/${pid}: ${text}`;
  return [
    `${head(0)} syscalls:sys_enter_execve: filename: 0x7ffef87429e0, argv: 0x7ffef8743ec0, envp: 0x7ffef8743ed8`,
    `${head(1)} PERF_RECORD_COMM exec: hello:${pid}/${pid}`,
    record(2, '[0x7ffffffde000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]'),
    record(3, '[0x555555554000(0x2000) @ 0 fe:00 100 7]: r-xp /bin/hello'),
    record(4, '[0x555555555000(0x1000) @ 0x1000 fe:00 100 7]: rw-p /bin/hello'),
    record(5, '[0x7ffff7fc0000(0x4000) @ 0 00:00 0 0]: r--p [vvar]'),
    record(6, '[0x7ffff7fc4000(0x2000) @ 0 00:00 0 0]: r-xp [vdso]'),
    `${head(7)} sched:sched_process_exec: filename=/bin/hello pid=${pid} old_pid=${pid}`,
    `${head(8)} syscalls:sys_exit_execve: 0x0`,
    `${head(9)} exceptions:page_fault_user: address=0x555555554000 ip=0x555555554000 error_code=0x14`,
  ];
}

/** Lines of perf for one call and what is between its start and its end. */
export function perfCall(
  name: string,
  args: string,
  result: string,
  between: readonly string[] = [],
  tid = 1,
): string[] {
  return [
    `hello 1/${tid} 2.000001: syscalls:sys_enter_${name}: ${args}`,
    ...between,
    `hello 1/${tid} 2.000003: syscalls:sys_exit_${name}: ${result}`,
  ];
}

/** perf's line of a write fault of the program. */
export function writeFault(address: string, tid = 1): string {
  return `hello 1/${tid} 2.000004: exceptions:page_fault_user: address=${address} ip=0x401000 error_code=0x6`;
}

/** The kernel's word about an anonymous VMA, page offset in bytes. */
export function anonymousRecord(start: string, length: string, offset: string = start, tid = 1): string {
  const record = `[${start}(${length}) @ ${offset} 00:00 0 0]: rw-p //anon`;
  return `hello 1/${tid} 2.000002: PERF_RECORD_MMAP2 1/${tid}: ${record}`;
}
