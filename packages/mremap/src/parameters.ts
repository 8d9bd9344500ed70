import { type MmError, refuse } from '@vmakit/base';
import { type Bytes, isByteCount, offsetInPage, pageOf, pagesCovering, wrapPages } from '@vmakit/mm';
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from './flags.js';

/** The arguments of mremap(2), in its order. Bytes; `newAddress` is looked at only when a flag implies it. */
export interface RawMremap {
  readonly address: Bytes;
  readonly oldLength: Bytes;
  readonly newLength: Bytes;
  readonly flags: Bytes;
  readonly newAddress?: Bytes;
}

/** What the checks need to know of the machine and the policies. */
export interface ParameterLimits {
  readonly pageShift: number;
  /** 2^-pageShift: exact, and cheaper than a division. */
  readonly pagesPerByte: number;
  /** Bits of an address that a tag may use and that the kernel drops from `address`; 0n when tags are not allowed. */
  readonly tagMask: bigint;
  /** Flags that this kernel knows, those of its policies included. */
  readonly knownFlags: number;
  /** Flags of policies that are refused without MAYMOVE. */
  readonly flagsThatNeedMayMove: number;
}

/** A call's parameters: pages. `address` and the ranges may still be anything as far as VMAs go. */
export class MremapRequest {
  address = 0;
  /** The address as given is on a page boundary. */
  addressAligned = true;
  oldPages = 0;
  newPages = 0;
  flags = 0;
  /** The new address as given, rounded down, whether a flag implies it or not. */
  newAddress = 0;
  /** The new address as given is on a page boundary. */
  newAddressAligned = true;
}

/**
 * The parameter checks of spec 05 section 1, in the kernel's order, before any lock is taken. The parameters are
 * put into `request`.
 *
 * @param taskSize end of the addresses that the program can have, in pages
 * @returns the refusal; null: none
 * @throws {TypeError | RangeError} naming an argument that is not a 64-bit integer
 */
export function checkParameters(
  raw: RawMremap,
  limits: ParameterLimits,
  taskSize: number,
  request: MremapRequest,
): MmError | null {
  const { pageShift } = limits;
  const flags = flagWord(raw.flags, limits.knownFlags);
  if (!readNumbers(raw, limits.pagesPerByte, request)) readWords(raw, limits, request);
  const { newPages } = request;
  if (flags === null) return refuse('EINVAL', 'spec 05.1 step 1: unknown flag', { flags: `${raw.flags}` });
  if (!request.addressAligned) return refuse('EINVAL', 'spec 05.1 step 2: address is not page aligned');
  if (newPages === 0) return refuse('EINVAL', 'spec 05.1 step 3: new length is 0');
  if (newPages > taskSize) {
    return refuse('EINVAL', 'spec 05.1 step 4: new length is beyond the address space', { newPages, taskSize });
  }
  if ((flags & limits.flagsThatNeedMayMove) !== 0 && (flags & MREMAP_MAYMOVE) === 0) {
    return refuse('EINVAL', 'spec 06.2: the flag needs MAYMOVE');
  }
  request.flags = flags;
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) === 0) return null;
  return checkNewAddress(request, pageShift, taskSize);
}

/** The words of a call in pages, when they are numbers, as they mostly are: without a tag, and nothing wraps. */
function readNumbers(raw: RawMremap, pagesPerByte: number, request: MremapRequest): boolean {
  const { address, oldLength, newLength, newAddress = 0 } = raw;
  if (!isByteCount(address) || !isByteCount(oldLength) || !isByteCount(newLength) || !isByteCount(newAddress)) {
    return false;
  }
  const from = address * pagesPerByte;
  const to = newAddress * pagesPerByte;
  request.address = Math.floor(from);
  request.addressAligned = Math.floor(from) === from;
  request.oldPages = Math.ceil(oldLength * pagesPerByte);
  request.newPages = Math.ceil(newLength * pagesPerByte);
  request.newAddress = Math.floor(to);
  request.newAddressAligned = Math.floor(to) === to;
  return true;
}

/** The same for any words. */
function readWords(raw: RawMremap, { pageShift, tagMask }: ParameterLimits, request: MremapRequest): void {
  const address = untagged(raw.address, tagMask);
  const newAddress = raw.newAddress ?? 0;
  request.address = pageOf(address, pageShift, 'address');
  request.addressAligned = offsetInPage(address, pageShift, 'address') === 0;
  request.newAddress = pageOf(newAddress, pageShift, 'newAddress');
  request.newAddressAligned = offsetInPage(newAddress, pageShift, 'newAddress') === 0;
  // A length that wraps when it is rounded up is 0 to all that follows.
  const wrap = wrapPages(pageShift);
  request.oldPages = wrapped(pagesCovering(raw.oldLength, pageShift, 'oldLength'), wrap);
  request.newPages = wrapped(pagesCovering(raw.newLength, pageShift, 'newLength'), wrap);
}

/** Steps 5 to 9: only when FIXED or DONTUNMAP imply a new address. */
function checkNewAddress(request: MremapRequest, pageShift: number, taskSize: number): MmError | null {
  const { address, oldPages, newPages, flags, newAddress, newAddressAligned } = request;
  const highest = taskSize - newPages;
  if (newAddress > highest || (newAddress === highest && !newAddressAligned)) {
    return refuse('EINVAL', 'spec 05.1 step 5: new address is too high', { newAddress, highest });
  }
  if (!newAddressAligned) return refuse('EINVAL', 'spec 05.1 step 6: new address is not page aligned');
  if ((flags & MREMAP_MAYMOVE) === 0) return refuse('EINVAL', 'spec 05.1 step 7: FIXED and DONTUNMAP need MAYMOVE');
  if ((flags & MREMAP_DONTUNMAP) !== 0 && oldPages !== newPages) {
    return refuse('EINVAL', 'spec 05.1 step 8: DONTUNMAP cannot resize', { oldPages, newPages });
  }
  const wrap = wrapPages(pageShift);
  if (wrapped(address + oldPages, wrap) > newAddress && wrapped(newAddress + newPages, wrap) > address) {
    return refuse('EINVAL', 'spec 05.1 step 9: old and new range overlap', { address, oldPages, newAddress, newPages });
  }
  return null;
}

/** A sum of two numbers of pages as the 64-bit word that it is, in pages. */
function wrapped(pages: number, wrap: number): number {
  return pages < wrap ? pages : pages - wrap;
}

/** The flags as one small number; null when a bit is unknown. */
function flagWord(value: Bytes, known: number): number | null {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`flags: ${value} is not an integer`);
    return value >= 0 && value <= 0xffffffff && (value & ~known) >>> 0 === 0 ? value : null;
  }
  if (typeof value !== 'bigint') throw new TypeError('flags: expected a number or a bigint');
  const word = BigInt.asUintN(64, value);
  return (word & ~BigInt(known)) === 0n ? Number(word) : null;
}

/** `address` without its tag. An address of the kernel's half keeps the bits (spec 05, first paragraph). */
function untagged(address: Bytes, tagMask: bigint): Bytes {
  if (tagMask === 0n || typeof address !== 'bigint' || ((address >> 55n) & 1n) !== 0n) return address;
  return address & ~tagMask;
}
