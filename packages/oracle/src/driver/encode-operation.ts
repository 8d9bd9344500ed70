import type { Operation, RlimitName, UffdMode } from '@vmakit/trace';
import { adviceNumber, mapFlags, mremapFlags, protectionBits } from '@vmakit/verify';
import * as protocol from './protocol.js';
import type { ProgramRequest } from './program-request.js';

/** `extra` of an OP_RLIMIT (`native/operations.c`: set_limit). */
export const RLIMIT_CODE: Readonly<Record<RlimitName, number>> = { MEMLOCK: 0, AS: 1, DATA: 2 };

/** UFFDIO_REGISTER_MODE_*. */
const UFFD_MODE: Readonly<Record<UffdMode, number>> = { missing: 1, wp: 2 };

const RANGE_CODE = {
  munmap: protocol.OP_MUNMAP,
  munlock: protocol.OP_MUNLOCK,
  mseal: protocol.OP_MSEAL,
  pin: protocol.OP_PIN,
  uffdpoison: protocol.OP_UFFD_POISON,
} as const;

const BARE_CODE = {
  exit: protocol.OP_EXIT,
  unpin: protocol.OP_UNPIN,
  clearrefs: protocol.OP_CLEARREFS,
  ksmscan: protocol.OP_LOOK,
  failmove: protocol.OP_LOOK,
  failreloc: protocol.OP_LOOK,
  words: protocol.OP_LOOK,
} as const;

/**
 * Adds a scenario operation to a request; `want` is what to report after it. Operations that `omissionOf` leaves out
 * become a mere look.
 */
export function encodeOperation(request: ProgramRequest, operation: Operation, want: number): void {
  const { p } = operation;
  switch (operation.op) {
    case 'mmap':
      request.add(protocol.OP_MMAP, p, want).range(operation.addr, operation.len).fileOffset(operation.off);
      request.prot(protectionBits(operation.prot)).flags(mapFlags(operation.flags)).file(operation.fd);
      return;
    case 'mremap':
      request.add(protocol.OP_MREMAP, p, want).range(operation.addr, operation.oldLen);
      request.secondLength(operation.newLen).target(operation.newAddr).flags(mremapFlags(operation.flags));
      return;
    case 'touch':
      request.add(protocol.OP_TOUCH, p, want).range(operation.addr, operation.len);
      request
        .extra(operation.stride)
        .prot(operation.value)
        .flags(operation.write ? 1 : 0);
      return;
    case 'mprotect':
      request.add(protocol.OP_MPROTECT, p, want).range(operation.addr, operation.len);
      request.prot(protectionBits(operation.prot));
      return;
    case 'madvise':
      request.add(protocol.OP_MADVISE, p, want).range(operation.addr, operation.len);
      request.flags(adviceNumber(operation.advice));
      return;
    case 'mlock':
      request
        .add(protocol.OP_MLOCK, p, want)
        .range(operation.addr, operation.len)
        .flags(operation.onfault ? 1 : 0);
      return;
    case 'munmap':
    case 'munlock':
    case 'mseal':
    case 'pin':
    case 'uffdpoison':
      request.add(RANGE_CODE[operation.op], p, want).range(operation.addr, operation.len);
      return;
    case 'uffd':
      request.add(protocol.OP_UFFD, p, want).range(operation.addr, operation.len);
      request.flags(UFFD_MODE[operation.mode]).extra(operation.features);
      return;
    case 'uffdwp':
      request
        .add(protocol.OP_UFFD_WP, p, want)
        .range(operation.addr, operation.len)
        .flags(operation.protect ? 1 : 0);
      return;
    case 'fork':
      request.add(protocol.OP_FORK, p, want).extra(operation.child);
      return;
    case 'memfd':
      request.add(protocol.OP_MEMFD, p, want).range(null, operation.len).extra(operation.fd);
      return;
    case 'rlimit':
      request.add(protocol.OP_RLIMIT, p, want).range(null, operation.pages).extra(RLIMIT_CODE[operation.what]);
      return;
    case 'maplimit':
      request.add(protocol.OP_MAPLIMIT, p, want).extra(operation.vmas);
      return;
    default:
      request.add(BARE_CODE[operation.op], p, want);
  }
}
