import {
  type DecodedWord,
  archByName,
  archNameOf,
  decodeWord,
  encodeWord,
  formatWord,
  parseProtection,
  parseWord,
} from '@vmakit/pagetable';
import type { WordRecord } from '@vmakit/trace';
import type { StepDifference } from './report.js';

/** What the rest of a contiguous block adds: checked with a block around the word. */
const GATHERED_KEYS: ReadonlySet<string> = new Set(['gathered', 'gatheredYoung', 'gatheredDirty']);

/**
 * Checks one recorded page-table word against the tables of its architecture: it must decode to exactly what the kernel
 * said of it, and what the kernel said must encode to that word again (golden/FORMAT.md "Raw words").
 *
 * @returns what differs, or `null`
 * @throws {RangeError} when there is no such machine
 */
export function verifyWord(record: WordRecord): StepDifference | null {
  const arch = archByName(archNameOf({ arch: record.arch, pageSize: record.pageSize, levels: record.levels }));
  const decoded = decodeWord(arch, record.levelName, record.word) as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(record.what), ...Object.keys(decoded)])) {
    if (GATHERED_KEYS.has(key) || decoded[key] === record.what[key]) continue;
    return differs(record, `word.${key}`, record.what[key], decoded[key]);
  }
  const what = record.what as unknown as DecodedWord;
  const prot = parseProtection(arch, record.vmaProt === '' ? 'rw-p' : record.vmaProt);
  const encoded = encodeWord(arch, record.levelName, withoutGathered(what), prot);
  if (encoded !== record.word) return differs(record, 'word', formatWord(record.word), formatWord(encoded));
  const gathered = record.what['gathered'];
  if (typeof gathered !== 'string') return null;
  const block = [record.word, ...Array.from({ length: arch.contiguousEntries - 1 }, () => parseWord(gathered))];
  const whole = decodeWord(arch, record.levelName, record.word, { block }) as Readonly<Record<string, unknown>>;
  for (const key of GATHERED_KEYS) {
    if (whole[key] !== record.what[key]) return differs(record, `word.${key}`, record.what[key], whole[key]);
  }
  return null;
}

function withoutGathered(what: DecodedWord): DecodedWord {
  return Object.fromEntries(Object.entries(what).filter(([key]) => !GATHERED_KEYS.has(key))) as unknown as DecodedWord;
}

function differs(record: WordRecord, field: string, expected: unknown, actual: unknown): StepDifference {
  return {
    field,
    where: `${record.arch} ${record.levelName} ${formatWord(record.word)}`,
    expected,
    actual,
    process: null,
    page: null,
    rule: 'spec 04.2-4',
  };
}
