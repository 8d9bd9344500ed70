import type { Amount } from '@vmakit/trace';
import { ARENA_START, MAX_OPERATIONS, OPERATION_BYTES } from './protocol.js';

const HEAD_BYTES = 16;
const WORD = 2 ** 32;

/** Offsets of the fields of `struct operation` (`native/driver.h`). */
const AT_WANT = 2;
const AT_FLAGS = 4;
const AT_ADDR = 8;
const AT_LENGTH = 16;
const AT_EXTRA = 24;
const AT_TARGET = 32;
const AT_PROT = 40;
const AT_FILE = 44;

/**
 * A program in the helper's form. {@link add} begins an operation, the other methods fill in its fields; what is not
 * filled in is 0.
 */
export class ProgramRequest {
  #bytes: Uint8Array;
  #view: DataView;
  readonly #pageSize: number;
  #count = 0;
  /** Where the operation that was added last is. */
  #at = 0;

  constructor(pageSize: number, expectedOperations = 64) {
    this.#pageSize = pageSize;
    this.#bytes = new Uint8Array(HEAD_BYTES + expectedOperations * OPERATION_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Adds an operation: `code` is one of `OP_*`, `want` says what of the process's state is reported after it.
   *
   * @throws {RangeError} when the program is longer than the helper takes
   */
  add(code: number, process: number, want: number): this {
    if (this.#count >= MAX_OPERATIONS) throw new RangeError(`operation: a program has at most ${MAX_OPERATIONS}`);
    const at = HEAD_BYTES + this.#count * OPERATION_BYTES;
    if (at + OPERATION_BYTES > this.#bytes.length) this.#grow();
    this.#view.setUint8(at, code);
    this.#view.setUint8(at + 1, process);
    this.#view.setUint16(at + AT_WANT, want, true);
    this.#at = at;
    this.#count++;
    return this;
  }

  flags(flags: number): this {
    this.#view.setUint32(this.#at + AT_FLAGS, flags, true);
    return this;
  }

  prot(prot: number): this {
    this.#view.setUint32(this.#at + AT_PROT, prot, true);
    return this;
  }

  /** Number of a memfd; null: none. */
  file(file: number | null): this {
    if (file !== null) this.#view.setUint32(this.#at + AT_FILE, file + 1, true);
    return this;
  }

  range(address: Amount | null, length: Amount): this {
    if (address !== null) this.#setAmount(AT_ADDR, address, ARENA_START);
    this.#setAmount(AT_LENGTH, length, 0);
    return this;
  }

  /** A number as it is. */
  extra(value: number): this {
    this.#setNumber(AT_EXTRA, value);
    return this;
  }

  /** A second length. */
  secondLength(length: Amount): this {
    this.#setAmount(AT_EXTRA, length, 0);
    return this;
  }

  /** A second address, or an offset in a file. */
  target(address: Amount | null): this {
    if (address !== null) this.#setAmount(AT_TARGET, address, ARENA_START);
    return this;
  }

  fileOffset(offset: Amount): this {
    this.#setAmount(AT_TARGET, offset, 0);
    return this;
  }

  /** The frame to send. */
  frame(id: number, patienceMs: number): Uint8Array {
    const length = HEAD_BYTES + this.#count * OPERATION_BYTES;
    const view = this.#view;
    view.setUint32(0, length - 4, true);
    view.setUint32(4, id, true);
    view.setUint32(8, this.#count, true);
    view.setUint32(12, patienceMs, true);
    return this.#bytes.subarray(0, length);
  }

  #setAmount(field: number, amount: Amount, base: number): void {
    if (typeof amount === 'number') this.#setNumber(field, base + amount * this.#pageSize);
    else if ('bytes' in amount) this.#setNumber(field, base + amount.bytes);
    else this.#view.setBigUint64(this.#at + field, amount.raw, true);
  }

  /** Any integer below 2^53 in size; negative ones become their 64-bit complement. */
  #setNumber(field: number, value: number): void {
    this.#view.setUint32(this.#at + field, value >>> 0, true);
    this.#view.setInt32(this.#at + field + 4, Math.floor(value / WORD), true);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
