import { XorShift64 } from '@vmakit/base';

/** Draws for a program generator: the same seed gives the same draws on every machine. */
export class Dice {
  readonly #random: XorShift64;

  /** The dice of program `index` of the campaign `seed`: neighbouring seeds and indexes have nothing in common. */
  constructor(seed: number, index: number) {
    const mixed = scramble(BigInt(seed) * 0x9e3779b97f4a7c15n + BigInt(index) * 0xd1b54a32d192ed03n + 1n);
    this.#random = new XorShift64(mixed === 0n ? 1n : mixed);
  }

  /** 0 .. n-1. */
  below(n: number): number {
    return this.#random.below(n);
  }

  /** low .. high, both included. */
  between(low: number, high: number): number {
    return low + this.#random.below(high - low + 1);
  }

  /** True in `percent` of 100 draws. */
  chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.#random.below(items.length)];
    if (item === undefined) throw new RangeError('items: nothing to pick from');
    return item;
  }

  /** The index of a weight, drawn in proportion to it. */
  weighted(weights: readonly number[]): number {
    let total = 0;
    for (const weight of weights) total += weight;
    let draw = this.#random.below(total);
    for (let i = 0; i < weights.length; i++) {
      draw -= weights[i] ?? 0;
      if (draw < 0) return i;
    }
    return weights.length - 1;
  }
}

/** Spreads every bit of `value` over all 64. */
function scramble(value: bigint): bigint {
  let x = BigInt.asUintN(64, value);
  x = BigInt.asUintN(64, (x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = BigInt.asUintN(64, (x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}
