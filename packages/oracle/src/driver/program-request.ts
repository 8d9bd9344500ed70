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

/** One operation as the helper takes it. What is not given is 0. */
export interface DriverOperation {
  readonly code: number;
  readonly process: number;
  /** `WANT_*`: what of the process's state is reported after it. */
  readonly want: number;
  readonly flags?: number;
  readonly prot?: number;
  /** Number of a memfd. */
  readonly file?: number | null;
  readonly addr?: Amount | null;
  readonly length?: Amount;
  /** A number as it is, or an amount of memory. */
  readonly extra?: number;
  readonly extraLength?: Amount;
  readonly target?: Amount | null;
  readonly targetIsLength?: boolean;
}

/** A program in the helper's form. */
export class ProgramRequest {
  #bytes: Uint8Array;
  #view: DataView;
  readonly #pageSize: number;
  #count = 0;

  constructor(pageSize: number, expectedOperations = 64) {
    this.#pageSize = pageSize;
    this.#bytes = new Uint8Array(HEAD_BYTES + expectedOperations * OPERATION_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Adds an operation. Throws a RangeError when the program is longer than the helper takes. */
  add(operation: DriverOperation): void {
    if (this.#count >= MAX_OPERATIONS) throw new RangeError(`operation: a program has at most ${MAX_OPERATIONS}`);
    const at = HEAD_BYTES + this.#count * OPERATION_BYTES;
    if (at + OPERATION_BYTES > this.#bytes.length) this.#grow();
    const view = this.#view;
    view.setUint8(at, operation.code);
    view.setUint8(at + 1, operation.process);
    view.setUint16(at + AT_WANT, operation.want, true);
    view.setUint32(at + AT_FLAGS, operation.flags ?? 0, true);
    view.setUint32(at + AT_PROT, operation.prot ?? 0, true);
    view.setUint32(at + AT_FILE, operation.file == null ? 0 : operation.file + 1, true);
    if (operation.addr != null) this.#setAmount(at + AT_ADDR, operation.addr, ARENA_START);
    if (operation.length !== undefined) this.#setAmount(at + AT_LENGTH, operation.length, 0);
    if (operation.extra !== undefined) this.#setNumber(at + AT_EXTRA, operation.extra);
    if (operation.extraLength !== undefined) this.#setAmount(at + AT_EXTRA, operation.extraLength, 0);
    if (operation.target != null) {
      this.#setAmount(at + AT_TARGET, operation.target, operation.targetIsLength === true ? 0 : ARENA_START);
    }
    this.#count++;
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

  #setAmount(at: number, amount: Amount, base: number): void {
    if (typeof amount === 'number') this.#setNumber(at, base + amount * this.#pageSize);
    else if ('bytes' in amount) this.#setNumber(at, base + amount.bytes);
    else this.#view.setBigUint64(at, amount.raw, true);
  }

  /** Any integer below 2^53 in size; negative ones become their 64-bit complement. */
  #setNumber(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setInt32(at + 4, Math.floor(value / WORD), true);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
