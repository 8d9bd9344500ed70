import type { Arch } from '../arch.js';
import type { LevelName } from '../geometry.js';
import type { BitField } from './describer.js';
import { formatWord, writeWord } from './word.js';

/** A named run of bits of one word, with what is stored there. */
export interface WordField extends BitField {
  readonly value: bigint;
}

/**
 * The fields of one word, from the top: for printing bit by bit.
 *
 * @throws {RangeError} when the architecture has no level of that name, or the word has more than 64 bits
 */
export function wordFields(arch: Arch, levelName: LevelName, word: bigint): readonly WordField[] {
  const words = new Int32Array(2 * arch.contiguousEntries);
  writeWord(words, 0, word);
  return arch.describer.fields(words, 0, arch.levelIndex(levelName)).map((field) => ({
    ...field,
    value: (word >> BigInt(field.low)) & ((1n << BigInt(field.high - field.low + 1)) - 1n),
  }));
}

/** Renders fields one to a line: bits, name, value, note. Single bits that are clear are left out unless `all`. */
export function renderFields(fields: readonly WordField[], all = false): string {
  return fields
    .filter((field) => all || field.value !== 0n || field.high !== field.low)
    .map((field) => {
      const bits = field.high === field.low ? String(field.high) : `${field.high}:${field.low}`;
      const value = field.high === field.low ? String(field.value) : formatWord(field.value);
      const note = field.note === undefined ? '' : `  ${field.note}`;
      return `${bits.padStart(5)}  ${field.name.padEnd(12)} ${value}${note}`;
    })
    .join('\n');
}
