import { MADV, MAP, MCL, MLOCK, MPOL, MPOL_MF, MREMAP, MS, PROT, SHM, SHMGET, IPC, UFFD, MFD } from '../abi/flags.js';
import { CLOSE, CLOSE_BRACKET, COMMA, OPEN_BRACKET } from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import type {
  BrkArgs,
  FlagsArgs,
  IoDestroyArgs,
  IoSetupArgs,
  MadviseArgs,
  MbindArgs,
  MemfdCreateArgs,
  MmapArgs,
  MprotectArgs,
  MremapArgs,
  NoArgs,
  PkeyMprotectArgs,
  ProcessMadviseArgs,
  RangeArgs,
  RangeFlagsArgs,
  RemapFilePagesArgs,
  ShmatArgs,
  ShmctlArgs,
  ShmdtArgs,
  ShmgetArgs,
} from '../syscall-args.js';
import type { Symbols } from '../abi/symbols.js';
import { address, comma, descriptorPath, integer, ranges, skipArguments, skipValue, text } from './values.js';
import type { DescriptorPath } from './values.js';

/* Readers of the arguments of the memory calls: from behind the "(" to the ")". */

const MREMAP_READS_NEW_ADDRESS = 2 | 4;
const NO_ARGS: NoArgs = {};
const descriptor: DescriptorPath = { path: null, deleted: false };

function start(cursor: Cursor): number {
  return address(cursor, 'an address');
}

function length(cursor: Cursor): number {
  comma(cursor);
  return integer(cursor, 'a length in bytes');
}

function symbols(cursor: Cursor, table: Symbols): number {
  comma(cursor);
  return table.read(cursor);
}

/** `mmap`, `mmap2`, `old_mmap`. */
export function readMmap(cursor: Cursor): MmapArgs {
  const address = start(cursor);
  const bytes = length(cursor);
  const prot = symbols(cursor, PROT);
  const flags = symbols(cursor, MAP);
  comma(cursor);
  const fd = integer(cursor, 'a file descriptor');
  descriptorPath(cursor, descriptor);
  comma(cursor);
  const offset = integer(cursor, 'a file offset in bytes');
  return { address, length: bytes, prot, flags, fd, path: descriptor.path, deleted: descriptor.deleted, offset };
}

export function readRange(cursor: Cursor): RangeArgs {
  return { address: start(cursor), length: length(cursor) };
}

export function readMremap(cursor: Cursor): MremapArgs {
  const oldAddress = start(cursor);
  const oldLength = length(cursor);
  const newLength = length(cursor);
  const flags = symbols(cursor, MREMAP);
  let newAddress: number | null = null;
  if (cursor.peek() === COMMA) {
    comma(cursor);
    const exactSoFar = !cursor.inexact;
    newAddress = address(cursor, 'the new address');
    // Without these flags the kernel ignores the argument: whatever a register held may stand there.
    if (exactSoFar && (flags & MREMAP_READS_NEW_ADDRESS) === 0) cursor.inexact = false;
  }
  return { oldAddress, oldLength, newLength, flags, newAddress };
}

export function readMprotect(cursor: Cursor): MprotectArgs {
  return { address: start(cursor), length: length(cursor), prot: symbols(cursor, PROT) };
}

export function readPkeyMprotect(cursor: Cursor): PkeyMprotectArgs {
  return { address: start(cursor), length: length(cursor), prot: symbols(cursor, PROT), pkey: length(cursor) };
}

export function readMadvise(cursor: Cursor): MadviseArgs {
  return { address: start(cursor), length: length(cursor), advice: symbols(cursor, MADV) };
}

export function readProcessMadvise(cursor: Cursor): ProcessMadviseArgs {
  const pidfd = integer(cursor, 'a pid descriptor');
  descriptorPath(cursor, descriptor);
  comma(cursor);
  const list = ranges(cursor);
  comma(cursor);
  integer(cursor, 'the number of ranges');
  return { pidfd, ranges: list, advice: symbols(cursor, MADV), flags: length(cursor) };
}

export function readBrk(cursor: Cursor): BrkArgs {
  return { address: start(cursor) };
}

export function readMlock2(cursor: Cursor): RangeFlagsArgs {
  return { address: start(cursor), length: length(cursor), flags: symbols(cursor, MLOCK) };
}

export function readMsync(cursor: Cursor): RangeFlagsArgs {
  return { address: start(cursor), length: length(cursor), flags: symbols(cursor, MS) };
}

/** `mseal`, and `syscall_0x1ce`, which prints all six registers. */
export function readMseal(cursor: Cursor): RangeFlagsArgs {
  const args = { address: start(cursor), length: length(cursor), flags: length(cursor) };
  const exact = !cursor.inexact;
  skipArguments(cursor);
  if (exact) cursor.inexact = false;
  return args;
}

export function readMlockall(cursor: Cursor): FlagsArgs {
  return { flags: MCL.read(cursor) };
}

export function readUserfaultfd(cursor: Cursor): FlagsArgs {
  return { flags: UFFD.read(cursor) };
}

export function readNothing(cursor: Cursor): NoArgs {
  cursor.skipSpaces();
  return NO_ARGS;
}

export function readShmat(cursor: Cursor): ShmatArgs {
  const id = integer(cursor, 'a shared memory id');
  comma(cursor);
  return { id, address: start(cursor), flags: symbols(cursor, SHM) };
}

export function readShmdt(cursor: Cursor): ShmdtArgs {
  return { address: start(cursor) };
}

export function readShmget(cursor: Cursor): ShmgetArgs {
  return { key: SHMGET.read(cursor), length: length(cursor), flags: symbols(cursor, SHMGET) };
}

export function readShmctl(cursor: Cursor): ShmctlArgs {
  const args = { id: integer(cursor, 'a shared memory id'), command: symbols(cursor, IPC) };
  skipArguments(cursor);
  return args;
}

export function readRemapFilePages(cursor: Cursor): RemapFilePagesArgs {
  return {
    address: start(cursor),
    length: length(cursor),
    prot: symbols(cursor, PROT),
    pageOffset: length(cursor),
    flags: symbols(cursor, MAP),
  };
}

export function readMemfdCreate(cursor: Cursor): MemfdCreateArgs {
  return { name: text(cursor, 'a name'), flags: symbols(cursor, MFD) };
}

/** The context is written by the call: an unfinished `io_setup(128` does not have it yet. */
export function readIoSetup(cursor: Cursor): IoSetupArgs {
  const events = integer(cursor, 'a number of events');
  if (cursor.peek() !== COMMA) return { events, context: null };
  comma(cursor);
  if (!cursor.eat(OPEN_BRACKET)) {
    skipValue(cursor);
    return { events, context: null };
  }
  const context = address(cursor, 'the address of the ring');
  cursor.need(CLOSE_BRACKET, 'the "]" behind the address of the ring');
  return { events, context };
}

export function readIoDestroy(cursor: Cursor): IoDestroyArgs {
  return { context: start(cursor) };
}

export function readMbind(cursor: Cursor): MbindArgs {
  const address = start(cursor);
  const bytes = length(cursor);
  const mode = symbols(cursor, MPOL);
  comma(cursor);
  skipValue(cursor);
  comma(cursor);
  skipValue(cursor);
  const flags = cursor.peek() === CLOSE ? 0 : symbols(cursor, MPOL_MF);
  return { address, length: bytes, mode, flags };
}
