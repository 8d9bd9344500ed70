import { stripVTControlCharacters } from 'node:util';
import { type PicturedResult, type ReplayRequest, type ReplayResult, replayUnder } from '@vmakit/replay';

/** A program that maps memory, moves the second half of it in front of the first, and forks. */
export const SHIFT: readonly string[] = [
  '1 mmap(NULL, 16384, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7000000',
  '1 mremap(0x7ffff7002000, 8192, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff6ffe000) = 0x7ffff6ffe000',
  '1 fork() = 2',
  '2 munmap(0x7ffff6ffe000, 16384) = 0',
];

/** {@link SHIFT} with a result that the model does not have, a line that is none, and memory from before. */
export const TROUBLE: readonly string[] = [
  ...SHIFT,
  '2 execve("/bin/<evil> & co", ["x"], 0x7ff /* 3 vars */) = 0',
  '1 munmap(0x7ffff7000000, 4096) = -1 EINVAL (Invalid argument)',
  '1 mmap(NULL, 8192, "<script>alert(1)</script>',
];

const MMAP = 'addr: 0x00000000, len: 0x00002000, prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000';

/** From perf: a record of the kernel and a result that the model does not have. */
export const WRONG: readonly string[] = [
  'hello 1/1 1.1: PERF_RECORD_COMM exec: hello:1/1',
  'hello 1/1 1.2: PERF_RECORD_MMAP2 1/1: [0x7ffffffde000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]',
  'hello 1/1 1.3: sched:sched_process_exec: filename=/bin/hello pid=1 old_pid=1',
  `hello 1/1 2.1: syscalls:sys_enter_mmap: ${MMAP}`,
  'hello 1/1 2.2: PERF_RECORD_MMAP2 1/1: [0x7ffff7000000(0x3000) @ 0x7ffff7000000 00:00 0 0]: rw-p //anon',
  'hello 1/1 2.3: syscalls:sys_exit_mmap: 0x7ffff7000000',
  'hello 1/1 2.4: exceptions:page_fault_user: address=0x7ffff7000000 ip=0x401000 error_code=0x6',
  'hello 1/1 3.1: syscalls:sys_enter_munmap: addr: 0x7ffff7000000, len: 0x00001000',
  'hello 1/1 3.2: syscalls:sys_exit_munmap: 0xffffffffffffffea',
];

/** Replays the lines of a recording called `name`. */
export async function replayed(
  lines: readonly string[],
  request: Partial<ReplayRequest> = {},
  name = 'shift.strace',
): Promise<PicturedResult> {
  const [only] = await replayUnder({ ...request, input: inPieces(lines), name }, [request.policy ?? 'none']);
  return only as PicturedResult;
}

/** The same without the pictures. */
export async function resultOf(lines: readonly string[], request: Partial<ReplayRequest> = {}): Promise<ReplayResult> {
  return (await replayed(lines, request)).result;
}

/** The text of a recording as a stream would bring it. */
export async function* inPieces(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${lines.join('\n')}\n`);
}

/** Text without colours, long lines cut. */
export function narrow(text: string): string {
  return plain(text).replaceAll(/^(.{95}).+$/gm, '$1…');
}

/** Text as it is without colours. */
export function plain(text: string): string {
  return stripVTControlCharacters(text);
}
