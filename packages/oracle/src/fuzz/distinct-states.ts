import type { RecordReader } from '../driver/record-reader.js';
import * as protocol from '../driver/protocol.js';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const BITS = 2 ** 26;

/**
 * Estimates how many different process states were seen, by linear counting: each state sets one bit of a large field,
 * and the share of bits still clear tells how many there were. Good to about one in a hundred up to a billion states.
 */
export class DistinctStates {
  readonly #bits = new Uint32Array(BITS / 32);
  #clear = BITS;

  /** Takes in the process state at which `reader` stands: mappings and kinds of entries, not which frames they are. */
  add(reader: RecordReader): void {
    const { words } = reader;
    let hash = FNV_OFFSET;
    let at = reader.mappingsAt;
    for (let i = 0; i < reader.mappings; i++, at += protocol.MAPPING_WORDS) {
      for (let field = 0; field < 3; field++) hash = mix(hash, words[at + field] ?? 0);
      hash = mix(hash, words[at + 4] ?? 0);
    }
    for (let i = 0; i < reader.runs; i++, at += protocol.RUN_WORDS) {
      hash = mix(hash, words[at] ?? 0);
      hash = mix(hash, words[at + 1] ?? 0);
      hash = mix(hash, (words[at + 3] ?? 0) & 0xff);
    }
    const bit = (hash >>> 0) % BITS;
    const index = bit >>> 5;
    const before = this.#bits[index] ?? 0;
    const after = before | (1 << (bit & 31));
    if (after >>> 0 === before) return;
    this.#bits[index] = after;
    this.#clear--;
  }

  get estimate(): number {
    return this.#clear === 0 ? Infinity : Math.round(-BITS * Math.log(this.#clear / BITS));
  }
}

function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, FNV_PRIME);
  mixed ^= mixed >>> 15;
  return mixed;
}
