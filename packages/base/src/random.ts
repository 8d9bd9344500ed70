/**
 * The 64-bit xorshift generator of the workloads (shift 13, 7, 17), kept as two 32-bit halves: no bigint.
 * Same seed, same numbers, on every machine.
 */
export class XorShift64 {
  #high: number;
  #low: number;

  /** `seed`: not zero. */
  constructor(seed: bigint | number = 88172645463325252n) {
    const value = BigInt.asUintN(64, BigInt(seed));
    if (value === 0n) throw new RangeError('seed: a xorshift generator cannot start at 0');
    this.#high = Number(value >> 32n) | 0;
    this.#low = Number(value & 0xffffffffn) | 0;
  }

  /** Advances by one draw; read it with {@link high}, {@link low} or {@link modulo}. */
  next(): void {
    let high = this.#high;
    let low = this.#low;
    high ^= (high << 13) | (low >>> 19);
    low ^= low << 13;
    low ^= (low >>> 7) | (high << 25);
    high ^= high >>> 7;
    high ^= (high << 17) | (low >>> 15);
    low ^= low << 17;
    this.#high = high;
    this.#low = low;
  }

  /** Upper half of the current draw, unsigned. */
  get high(): number {
    return this.#high >>> 0;
  }

  /** Lower half of the current draw, unsigned. */
  get low(): number {
    return this.#low >>> 0;
  }

  /** The current draw modulo `n` (the unsigned remainder of the whole 64-bit value); `n` at most 2^21. */
  remainder(n: number): number {
    return remainder(remainder(this.#high >>> 0, n) * remainder(0x100000000, n) + (this.#low >>> 0), n) | 0;
  }

  /** Draws, then gives the remainder. */
  below(n: number): number {
    this.next();
    return this.remainder(n);
  }

  /** Draws and gives the whole value. */
  nextBigInt(): bigint {
    this.next();
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }
}

/** `value % n` for a `value` from 0 to 2^53: exact all the same, and four times as fast for numbers above 2^31. */
function remainder(value: number, n: number): number {
  return value - Math.floor(value / n) * n;
}
