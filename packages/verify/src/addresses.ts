import type { Amount } from '@vmakit/trace';

const WORD = 2n ** 64n;

/** The window of a scenario in the address space of a model, and how amounts of its operations become bytes. */
export class Arena {
  /** First page of the window. */
  readonly start: number;
  /** First page after it. */
  readonly end: number;
  readonly pageSize: number;
  readonly #startBytes: number;

  /** @param startBytes byte address of the window, a multiple of the page size below 2^53 */
  constructor(startBytes: bigint, pages: number, pageSize: number) {
    this.#startBytes = Number(startBytes);
    this.start = this.#startBytes / pageSize;
    this.end = this.start + pages;
    this.pageSize = pageSize;
  }

  /** An address of an operation as the 64-bit word that the kernel gets. */
  address(amount: Amount): number | bigint {
    if (typeof amount === 'number') return asWord(this.#startBytes + amount * this.pageSize);
    return 'bytes' in amount ? this.#startBytes + amount.bytes : amount.raw;
  }

  /** A length or file offset of an operation in bytes. */
  length(amount: Amount): number | bigint {
    if (typeof amount === 'number') return asWord(amount * this.pageSize);
    return 'bytes' in amount ? amount.bytes : amount.raw;
  }

  /** A length in whole pages, rounded up. */
  pages(amount: Amount): number {
    const bytes = this.length(amount);
    return typeof bytes === 'number' ? Math.ceil(bytes / this.pageSize) : Number(bytes / BigInt(this.pageSize));
  }

  /** The page of the model that an address lies in. */
  page(amount: Amount): number {
    const bytes = this.address(amount);
    return typeof bytes === 'number' ? Math.floor(bytes / this.pageSize) : Number(bytes / BigInt(this.pageSize));
  }

  /** A page of the model as a recording gives it back: counted from the window, or a raw address outside of it. */
  fromPage(page: number): number | bigint {
    if (page >= this.start && page < this.end) return page - this.start;
    return BigInt(page) * BigInt(this.pageSize);
  }
}

/** Numbers wrap as 64-bit words do. */
function asWord(bytes: number): number | bigint {
  return bytes >= 0 && Number.isSafeInteger(bytes) ? bytes : (BigInt(bytes) + WORD) % WORD;
}
