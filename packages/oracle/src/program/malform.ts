import type { Amount, MremapFlagName, Operation } from '@vmakit/trace';
import { ARENA_PAGES } from '../driver/protocol.js';
import type { Dice } from './dice.js';

const PAGE = 4096;

/**
 * The operation with one argument that a careful program would not pass: an address inside a page, a length that is not
 * whole pages or none, flags that do not go together. Never one that reaches far: the program itself lives out there.
 */
export function malform(operation: Operation, dice: Dice): Operation {
  if (reachesEnd(operation)) return operation;
  switch (operation.op) {
    case 'mremap':
      return malformMremap(operation, dice);
    case 'mmap':
    case 'munmap':
    case 'mprotect':
    case 'madvise':
    case 'mlock':
    case 'munlock':
      return dice.chance(50) || operation.addr === null
        ? { ...operation, len: crookedLength(operation.len, dice) }
        : { ...operation, addr: insidePage(operation.addr, dice) };
    default:
      return operation;
  }
}

function malformMremap(operation: Extract<Operation, { readonly op: 'mremap' }>, dice: Dice): Operation {
  switch (dice.below(5)) {
    case 0:
      return { ...operation, addr: insidePage(operation.addr, dice) };
    case 1:
      return { ...operation, oldLen: crookedLength(operation.oldLen, dice) };
    case 2:
      return { ...operation, newLen: crookedLength(operation.newLen, dice) };
    case 3:
      return operation.newAddr === null ? operation : { ...operation, newAddr: insidePage(operation.newAddr, dice) };
    default: {
      const names: readonly MremapFlagName[] = ['MAYMOVE', 'FIXED', 'DONTUNMAP', 'UNKNOWN_32'];
      return { ...operation, flags: names.filter(() => dice.chance(50)) };
    }
  }
}

/** A byte more would be a page more, outside of the window. */
function reachesEnd(operation: Operation): boolean {
  if (!('addr' in operation) || typeof operation.addr !== 'number') return false;
  const length = operation.op === 'mremap' ? operation.oldLen : operation.len;
  return typeof length !== 'number' || operation.addr + length >= ARENA_PAGES;
}

/** Some bytes into its page. */
function insidePage(amount: Amount, dice: Dice): Amount {
  return typeof amount === 'number' ? { bytes: amount * PAGE + dice.pick([1, 8, 2048, PAGE - 1]) } : amount;
}

/** A little less or more than whole pages, or nothing. */
function crookedLength(amount: Amount, dice: Dice): Amount {
  if (typeof amount !== 'number') return amount;
  return { bytes: dice.pick([0, 1, amount * PAGE - 1, amount * PAGE + 1]) };
}
