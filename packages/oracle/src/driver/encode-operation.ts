import type { Operation, RlimitName, UffdMode } from '@vmakit/trace';
import { adviceNumber, mapFlags, mremapFlags, protectionBits } from '@vmakit/verify';
import * as protocol from './protocol.js';
import type { DriverOperation } from './program-request.js';

/** `extra` of an OP_RLIMIT (`native/operations.c`: set_limit). */
export const RLIMIT_CODE: Readonly<Record<RlimitName, number>> = { MEMLOCK: 0, AS: 1, DATA: 2 };

/** UFFDIO_REGISTER_MODE_*. */
const UFFD_MODE: Readonly<Record<UffdMode, number>> = { missing: 1, wp: 2 };

/**
 * The helper's form of a scenario operation; `want` is what to report after it. Operations that
 * {@link omissionOf} leaves out come as a mere look.
 */
export function encodeOperation(operation: Operation, want: number): DriverOperation {
  const common = { process: operation.p, want };
  switch (operation.op) {
    case 'mmap': {
      const { addr, len: length, fd: file, off: target } = operation;
      const flags = mapFlags(operation.flags);
      const prot = protectionBits(operation.prot);
      return { ...common, code: protocol.OP_MMAP, addr, length, file, prot, flags, target, targetIsLength: true };
    }
    case 'mremap': {
      const { addr, oldLen: length, newLen: extraLength, newAddr: target } = operation;
      const flags = mremapFlags(operation.flags);
      return { ...common, code: protocol.OP_MREMAP, addr, length, extraLength, target, flags };
    }
    case 'mprotect': {
      const prot = protectionBits(operation.prot);
      return { ...common, code: protocol.OP_MPROTECT, addr: operation.addr, length: operation.len, prot };
    }
    case 'madvise': {
      const flags = adviceNumber(operation.advice);
      return { ...common, code: protocol.OP_MADVISE, addr: operation.addr, length: operation.len, flags };
    }
    case 'mlock': {
      const flags = operation.onfault ? 1 : 0;
      return { ...common, code: protocol.OP_MLOCK, addr: operation.addr, length: operation.len, flags };
    }
    case 'touch': {
      const { addr, len: length, stride: extra, value: prot } = operation;
      return { ...common, code: protocol.OP_TOUCH, addr, length, extra, prot, flags: operation.write ? 1 : 0 };
    }
    case 'munmap':
    case 'munlock':
    case 'mseal':
    case 'pin':
    case 'uffdpoison':
      return { ...common, code: RANGE_CODE[operation.op], addr: operation.addr, length: operation.len };
    case 'uffd': {
      const flags = UFFD_MODE[operation.mode];
      const { addr, len: length, features: extra } = operation;
      return { ...common, code: protocol.OP_UFFD, addr, length, extra, flags };
    }
    case 'uffdwp': {
      const flags = operation.protect ? 1 : 0;
      return { ...common, code: protocol.OP_UFFD_WP, addr: operation.addr, length: operation.len, flags };
    }
    case 'fork':
      return { ...common, code: protocol.OP_FORK, extra: operation.child };
    case 'memfd':
      return { ...common, code: protocol.OP_MEMFD, extra: operation.fd, length: operation.len };
    case 'rlimit': {
      const { pages } = operation;
      return { ...common, code: protocol.OP_RLIMIT, extra: RLIMIT_CODE[operation.what], length: pages };
    }
    case 'maplimit':
      return { ...common, code: protocol.OP_MAPLIMIT, extra: operation.vmas };
    case 'exit':
      return { ...common, code: protocol.OP_EXIT };
    case 'unpin':
      return { ...common, code: protocol.OP_UNPIN };
    case 'clearrefs':
      return { ...common, code: protocol.OP_CLEARREFS };
    case 'ksmscan':
    case 'failmove':
    case 'failreloc':
    case 'words':
      return { ...common, code: protocol.OP_LOOK };
  }
}

const RANGE_CODE = {
  munmap: protocol.OP_MUNMAP,
  munlock: protocol.OP_MUNLOCK,
  mseal: protocol.OP_MSEAL,
  pin: protocol.OP_PIN,
  uffdpoison: protocol.OP_UFFD_POISON,
} as const;
