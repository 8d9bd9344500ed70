/**
 * The repairs: single differences between relocation as it was posted and relocation as it should be. Each is on or
 * off; a variant is a set of them ({@link VARIANTS}). `bug` is its id in spec 06 section 6 or spec 07 section 4,
 * `without` what happens when it is off.
 */
export const REPAIRS = {
  rootAwareSharing: {
    bug: 'R3',
    without: 'an anon_vma counts as forked when it has more than one child, whether or not it counts itself',
  },
  tryFolioLock: {
    bug: 'R6',
    without: 'the lock of a folio mapped by small entries is waited for inside the page-table lock',
  },
  balancedRmapLocks: {
    bug: 'R7',
    without: 'moving a table gives back reverse-map locks that it did not take',
  },
  largeSharing: {
    bug: 'R10',
    without: 'a large folio is judged shared by the mapcount of one of its pages, as a small one is',
  },
  tryHugeFolioLock: {
    bug: 'B5',
    without: 'the lock of a folio mapped by a huge entry is waited for inside the page-table lock',
  },
  refusalUncharges: {
    bug: 'A2',
    without: 'MUST on a mapping that is not eligible keeps the charge of the move',
  },
  undoKeepsAccounts: {
    bug: 'A3',
    without: 'taking the destination back returns pages to the accounts that nobody charged',
  },
  followSource: {
    bug: 'A5',
    without: 'when the merge after a relocation removes the source VMA, the call goes on using the removed one',
  },
  keepSourceApart: {
    bug: 'A5',
    without: 'with DONTUNMAP the destination may merge with its own source',
  },
  userfaultLateMerge: {
    bug: 'A6',
    without: 'a source whose userfaultfd has no remap events is merged, and the neighbours lose their registration',
  },
  partialLargeFolio: {
    bug: 'B1, B2, B3, B6',
    without: 'a large folio counts from the first page met, is cut if not aligned, and is passed over as a whole',
  },
  undoAfterMove: {
    bug: 'A4',
    without: 'when the page tables cannot be moved, folios before the failure keep new offset and anon_vma',
  },
  pinned: {
    bug: 'A1',
    without: 'a pinned folio mapped by small entries is passed over and keeps its old offset and anon_vma',
  },
  shared: {
    bug: 'A1',
    without: 'a small folio that is mapped more than once is passed over in the same way',
  },
  swap: {
    bug: 'R5',
    without: 'entries that are not present are passed over',
  },
  settledSwap: {
    bug: 'R5',
    without:
      'with `swap`, swap entries without a cached folio and markers make relocation fail though they are harmless',
  },
  listUndo: {
    bug: 'R4, A7',
    without: 'taking back walks the tables again, and stops at whatever is pinned or locked by then',
  },
  everyMapping: {
    bug: 'B6',
    without: 'a large folio with pages mapped outside of the range is relocated if it would fit',
  },
  cutHugeEntry: {
    bug: 'spec 07 section 2',
    without: 'a huge entry that the range cuts makes relocation fail',
  },
  entryByEntry: {
    bug: 'B3',
    without: 'entries within the span of a large folio are passed over, even if they map other folios',
  },
  sharedLarge: {
    bug: 'A1, B7',
    without: 'a large folio is judged by its "maybe shared" mark: passed over, or if a huge entry maps it, a failure',
  },
  splitUnlocked: {
    bug: 'A7',
    without: 'a large folio of the family of the destination is not split, and relocation fails',
  },
  fileBacked: {
    bug: 'spec 06 section 3',
    without: 'a private mapping of /dev/zero is relocated, and its file offset becomes an address',
  },
} as const;

/** The name of a repair. */
export type Repair = keyof typeof REPAIRS;

/** Which repairs are on. */
export type RepairSet = Readonly<Record<Repair, boolean>>;

/** All repairs, in the order of the table. */
export const REPAIR_NAMES: readonly Repair[] = Object.keys(REPAIRS) as Repair[];

/**
 * The set with exactly the repairs of `names` on.
 *
 * @throws {TypeError} naming one that does not exist
 */
export function repairSet(names: readonly string[]): RepairSet {
  for (const name of names) {
    if (!Object.hasOwn(REPAIRS, name)) {
      throw new TypeError(`repairs: there is no repair ${name}; there are ${REPAIR_NAMES.join(', ')}`);
    }
  }
  return Object.fromEntries(REPAIR_NAMES.map((name) => [name, names.includes(name)])) as RepairSet;
}

/** The fix-ups that came between the posting of April 2025 and the last posted state. */
const SINCE_APRIL: readonly Repair[] = ['rootAwareSharing', 'tryFolioLock', 'balancedRmapLocks', 'largeSharing'];

/** The always-on decisions of the kernel that the golden recordings come from (FORMAT.md). */
const RECORDER: readonly Repair[] = [
  ...SINCE_APRIL,
  'tryHugeFolioLock',
  'refusalUncharges',
  'undoKeepsAccounts',
  'followSource',
  'keepSourceApart',
  'userfaultLateMerge',
];

/**
 * Variants by name. `rfc-v2`: as posted in April 2025. `v1`: the last posted state, of June 2025, with its fix-up.
 * `recorder`: the kernel of the golden recordings, to which the repairs of a recording's header are added. `corrected`:
 * everything repaired.
 */
export const VARIANTS: Readonly<Record<Variant, RepairSet>> = {
  'rfc-v2': repairSet([]),
  v1: repairSet(SINCE_APRIL),
  recorder: repairSet(RECORDER),
  corrected: repairSet(REPAIR_NAMES),
};

/** The name of a variant. */
export type Variant = 'rfc-v2' | 'v1' | 'recorder' | 'corrected';
