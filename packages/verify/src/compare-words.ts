import { type Arch, decodeWord, parseWord } from '@vmakit/pagetable';
import type { StateDifference, WordRow } from '@vmakit/trace';

/** What a word says that is not the same on two machines: frames. */
const FRAMES: ReadonlySet<string> = new Set(['pfn', 'gathered']);
/** The same of an entry that stands for a frame or a place in a swap area: which area, which slot. */
const SLOTS: Readonly<Record<string, ReadonlySet<string>>> = {
  swap: new Set(['swapType', 'swapOffset']),
  migration: new Set(['pfn', 'swapOffset']),
};

/**
 * First difference of two lists of page-table words, frame numbers and swap slots apart (golden/FORMAT.md "Raw words");
 * `null` when there is none.
 */
export function compareWords(
  arch: Arch,
  process: number,
  expected: readonly WordRow[],
  actual: readonly WordRow[],
): StateDifference | null {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const want = expected[i];
    const have = actual[i];
    if (want === undefined || have === undefined || want[0] !== have[0] || want[1] !== have[1]) {
      return differs(process, 'words.entry', want ?? have, want ?? 'no further word', have ?? 'no further word');
    }
    if (!sameButForPlace(arch, want, have)) return differs(process, 'words.word', want, want[2], have[2]);
  }
  return null;
}

/**
 * Whether two words differ in frame number or swap slot only: everything that they say is equal, and so is every other
 * bit, as each word is what it says (S5.5).
 */
function sameButForPlace(arch: Arch, want: WordRow, have: WordRow): boolean {
  if (want[2] === have[2]) return true;
  const wanted = decodeWord(arch, want[1], parseWord(want[2])) as Readonly<Record<string, unknown>>;
  const found = decodeWord(arch, have[1], parseWord(have[2])) as Readonly<Record<string, unknown>>;
  const keys = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  const places = SLOTS[String(wanted['kind'])] ?? FRAMES;
  for (const key of keys) if (!places.has(key) && wanted[key] !== found[key]) return false;
  return true;
}

function differs(
  process: number,
  field: string,
  row: WordRow | undefined,
  expected: unknown,
  actual: unknown,
): StateDifference {
  const page = row?.[0] ?? null;
  const level = row?.[1] ?? '';
  return { field, where: `process ${process}, ${level} of page ${page}`, expected, actual, process, page };
}
