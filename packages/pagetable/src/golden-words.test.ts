import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeWord, type DecodedWord } from './describe/decode.js';
import { encodeWord } from './describe/encode.js';
import { parseProtection } from './describe/protection.js';
import { readWord, writeWord } from './describe/word.js';
import { archByName, archNameOf } from './registry.js';
import type { LevelName } from './geometry.js';

/** One line of a `words-*` file: golden/FORMAT.md, "Raw words". */
interface GoldenWord {
  readonly arch: string;
  readonly pageSize: number;
  readonly levels: number;
  readonly levelName: LevelName;
  readonly word: string;
  readonly what: DecodedWord;
  readonly vmaProt: string;
}

const MACHINES = ['x86-64', 'x86-64-la57', 'arm64-4k', 'arm64-16k', 'arm64-64k'] as const;
/** A part of the recorded words: every shape once. */
const bundled = (name: string): string => fileURLToPath(new URL(`../fixtures/words-${name}.jsonl.gz`, import.meta.url));
const whole = (name: string): string =>
  fileURLToPath(new URL(`../../../../shared/golden/words-${name}.jsonl.gz`, import.meta.url));

function readWords(path: string): GoldenWord[] {
  const lines = gunzipSync(readFileSync(path)).toString().split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as GoldenWord);
}

/** Asserts that each word decodes to what its kernel said of it, and that this encodes to the word. */
function checkWords(path: string, name: string): number {
  const lines = readWords(path);
  for (const { levelName, word, what, vmaProt, ...machine } of lines) {
    expect(archNameOf(machine)).toBe(name);
    const arch = archByName(name);
    // What a whole block says is not in one word; the gathered word is looked at by itself below.
    const { gathered, gatheredYoung, gatheredDirty, ...own } = what as Record<string, unknown>;
    expect(decodeWord(arch, levelName, BigInt(word)), word).toEqual(own);
    expect(encodeWord(arch, levelName, what, parseProtection(arch, vmaProt)), word).toBe(BigInt(word));
    if (gathered === undefined) continue;
    // Any other entry of the block may have had the marks: let it be the last.
    const other = decodeWord(arch, levelName, BigInt(gathered as string));
    expect(other).toMatchObject({ young: gatheredYoung, dirty: gatheredDirty });
    const block = Array<bigint>(arch.contiguousEntries).fill(BigInt(word));
    block[block.length - 1] = BigInt(gathered as string);
    expect(decodeWord(arch, levelName, BigInt(word), { block })).toEqual(what);
  }
  return lines.length;
}

describe.each(MACHINES)('words recorded on %s', (name) => {
  test('those bundled decode to what the kernel said, and encode again', () => {
    expect(checkWords(bundled(name), name)).toBeGreaterThanOrEqual(59);
  });

  test.skipIf(!existsSync(whole(name)))('all of them do (skipped without ../shared/golden)', () => {
    expect(checkWords(whole(name), name)).toBeGreaterThan(500);
  });

  test('a word with any one bit flipped still decodes to something', () => {
    const arch = archByName(name);
    const words = new Int32Array(2);
    for (const { levelName, word } of readWords(bundled(name))) {
      for (let bit = 0n; bit < 64n; bit++) {
        const flipped = BigInt(word) ^ (1n << bit);
        writeWord(words, 0, flipped);
        expect(readWord(words, 0)).toBe(flipped);
        expect(decodeWord(arch, levelName, flipped)).toBeTypeOf('object');
      }
    }
  });
});
