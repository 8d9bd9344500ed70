import { MAPPING_WORDS, RECORD_HEAD, RUN_WORDS, STATE_HEAD } from './protocol.js';

const WORD = 2 ** 32;

/** Steps through the records of a program and the process states in each. Nothing is copied. */
export class RecordReader {
  readonly words: Uint32Array;
  #at = 0;
  #next = 0;
  #statesLeft = 0;

  /** Of the current record: index of its operation, outcome (`OUTCOME_*`), value. */
  operation = -1;
  outcome = 0;
  valueLow = 0;
  valueHigh = 0;

  /** Of the current state: process, what is in it (`WANT_*`), pages in total, data and stack pages, locked pages. */
  process = 0;
  want = 0;
  total = 0;
  data = 0;
  locked = 0;
  mappings = 0;
  runs = 0;
  /** Where the first mapping and the first run are in `words`. */
  mappingsAt = 0;
  runsAt = 0;

  constructor(words: Uint32Array) {
    this.words = words;
  }

  /** The value of the current record. Exact below 2^53. */
  get value(): number {
    return this.valueHigh * WORD + this.valueLow;
  }

  get value64(): bigint {
    return (BigInt(this.valueHigh) << 32n) | BigInt(this.valueLow);
  }

  /** Goes to the next record; false when there is none. */
  nextRecord(): boolean {
    while (this.#statesLeft > 0) this.nextState();
    this.#at = this.#next;
    const { words } = this;
    if (this.#at + RECORD_HEAD > words.length) return false;
    this.operation = words[this.#at] ?? 0;
    this.outcome = words[this.#at + 1] ?? 0;
    this.valueLow = words[this.#at + 2] ?? 0;
    this.valueHigh = words[this.#at + 3] ?? 0;
    this.#statesLeft = words[this.#at + 4] ?? 0;
    this.#next = this.#at + RECORD_HEAD;
    return true;
  }

  /** Goes to the next process state of the current record; false when there is none. */
  nextState(): boolean {
    if (this.#statesLeft === 0) return false;
    this.#statesLeft--;
    const { words } = this;
    const at = this.#next;
    this.process = words[at] ?? 0;
    this.want = words[at + 1] ?? 0;
    this.total = (words[at + 2] ?? 0) | 0;
    this.data = (words[at + 3] ?? 0) | 0;
    this.locked = words[at + 4] ?? 0;
    this.mappings = words[at + 5] ?? 0;
    this.runs = words[at + 6] ?? 0;
    this.mappingsAt = at + STATE_HEAD;
    this.runsAt = this.mappingsAt + this.mappings * MAPPING_WORDS;
    this.#next = this.runsAt + this.runs * RUN_WORDS;
    return true;
  }
}
