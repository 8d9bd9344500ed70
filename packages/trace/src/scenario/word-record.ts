import { type SourcePlace } from './format-error.js';
import { JsonFields, type JsonObject } from './json-fields.js';
import { WORD_LEVELS, type WordLevel } from './scenario.js';

/** What the kernel says about a word: the keys of the table in golden/FORMAT.md "Raw words". */
export type WordFacts = Readonly<Record<string, boolean | number | string>>;

/** One line of a `words-*.jsonl` file: a single page-table word with what the kernel that had it says of it. */
export interface WordRecord {
  readonly file: string;
  /** Line in the file, from 1. */
  readonly line: number;
  readonly arch: 'x86_64' | 'aarch64';
  readonly pageSize: number;
  /** Levels that the tables have. */
  readonly levels: number;
  readonly levelName: WordLevel;
  readonly word: bigint;
  readonly what: WordFacts;
  /** Protection and flags of the mapping that it was found in. */
  readonly vmaProt: string;
  readonly vmaFlags: string;
}

/** Reads a line of a file of single words. */
export function parseWordRecord(object: JsonObject, place: SourcePlace): WordRecord {
  const fields = new JsonFields(object, 'word', place);
  const word = fields.string('word');
  if (!/^0x[0-9a-f]{1,16}$/.test(word)) fields.refuse('word', 'the 64 bits as "0x..."');
  const what = fields.object('what');
  for (const value of Object.values(what)) {
    if (typeof value !== 'boolean' && typeof value !== 'number' && typeof value !== 'string') {
      fields.refuse('what', 'an object of true or false, numbers and strings');
    }
  }
  const pageSize = fields.integer('pageSize', 1);
  const levels = fields.integer('levels', 2);
  if (![4096, 16384, 65536].includes(pageSize)) fields.refuse('pageSize', '4096, 16384 or 65536');
  if (levels > 5) fields.refuse('levels', 'an integer from 2 to 5');
  return {
    file: place.file,
    line: place.line,
    arch: fields.oneOf('arch', ['x86_64', 'aarch64']),
    pageSize,
    levels,
    levelName: fields.oneOf('levelName', WORD_LEVELS),
    word: BigInt(word),
    what: what as WordFacts,
    vmaProt: fields.string('vmaProt', ''),
    vmaFlags: fields.string('vmaFlags', ''),
  };
}
