import { fileURLToPath } from 'node:url';
import { type Repair, VARIANTS, type Variant } from '@vmakit/policy-relocate-anon';
import { type Scenario, readScenarios } from '@vmakit/trace';
import type { Circumstance } from './circumstances.js';

/** A bug of the relocation series that is known: spec 06 section 6 and spec 07 section 4. Plain data. */
export interface KnownBug {
  /** Its id there; without one, the section (`06.3`). */
  readonly id: string;
  readonly what: string;
  /** The repair that mends it; null: no repair of the model is about it. */
  readonly repair: Repair | null;
  /** Repairs that mend it too, each in its own way: off while it is shown. */
  readonly hiddenBy: readonly Repair[];
  /**
   * What gives it away: a broken invariant; nothing but the outcome of the call; or the count of what an assertion of
   * the series would have warned about.
   */
  readonly sign: 'invariant' | 'outcome' | 'assertion';
  /** What must be the matter with the range for it to show; null: nothing. */
  readonly circumstance: Circumstance | null;
  /** Why it cannot be seen when the calls of a scenario come one after the other; null: it can. */
  readonly unseen: string | null;
}

function bug(id: string, repair: Repair, what: string, more: Partial<KnownBug> = {}): KnownBug {
  return { id, repair, what, hiddenBy: [], sign: 'invariant', circumstance: null, unseen: null, ...more };
}

function unseen(id: string, what: string, why: string, repair: Repair | null = null): KnownBug {
  return { id, repair, what, hiddenBy: [], sign: 'invariant', circumstance: null, unseen: why };
}

const EARLIER = 'of the first posting of March 2025, mended before rfc-v2';

/** All of them, in the order of the spec. */
export const KNOWN_BUGS: readonly KnownBug[] = [
  unseen('R1', 'forked parents are relocated', EARLIER),
  unseen('R2', 'a VMA that is in the tree is freed when no anon_vma can be had', EARLIER),
  unseen(
    'R3',
    'an anon_vma that is no root does not count itself, and is judged as if it did',
    'an anon_vma that is no root is never alone in a chain, which is refused before',
    'rootAwareSharing',
  ),
  bug('R4', 'listUndo', 'taking back walks the tables again, and stops at what is locked or pinned by then'),
  bug('R5', 'swap', 'an entry in migration is passed over, and stays so for ever', { circumstance: 'in-migration' }),
  bug('R5', 'swap', 'a swap entry is passed over though its page is still in the swap cache', {
    circumstance: 'in-swap-cache',
  }),
  bug('R6', 'tryFolioLock', 'the lock of a folio is waited for inside the page-table lock'),
  bug('R7', 'balancedRmapLocks', 'moving a table gives back reverse-map locks that it did not take'),
  {
    ...unseen('R8', 'a page that is not marked exclusive is warned about, though it may lack the mark', ''),
    sign: 'assertion',
    unseen: null,
  },
  unseen('R9', 'pages merged by KSM and file pages are tested for', 'the code cannot be reached: KSM is broken before'),
  unseen(
    'R10',
    'a large folio is judged shared by the mapcount of one page',
    'memory that another process maps is refused before, and no process maps an anonymous page twice',
    'largeSharing',
  ),
  unseen('R11', 'entries of a PUD are dealt with', 'the code cannot be reached: anonymous memory has no such entries'),
  bug('A1', 'pinned', 'a pinned page is passed over and keeps its old offset and anon_vma'),
  unseen(
    'A1',
    'so is a small page that is mapped more than once',
    'memory that another process maps is refused before, and none can be forked meanwhile',
    'shared',
  ),
  bug('A2', 'refusalUncharges', 'MUST on memory that is not eligible keeps the charge'),
  bug('A3', 'undoKeepsAccounts', 'taking the destination back returns pages that nobody charged'),
  bug('A4', 'undoAfterMove', 'when the page tables cannot be moved, pages before the failure stay relocated', {
    hiddenBy: ['listUndo'],
  }),
  bug('A5', 'followSource', 'the last merge removes the source VMA, and the call goes on with it'),
  bug('A5', 'keepSourceApart', 'with DONTUNMAP the destination merges with its own source'),
  bug('A6', 'userfaultLateMerge', 'neighbours lose their userfaultfd to a merge'),
  bug('A7', 'splitUnlocked', 'a large folio of the family of the destination is not split: the call fails', {
    sign: 'outcome',
  }),
  bug('06.3', 'fileBacked', 'a private mapping of /dev/zero is relocated, its file offset with it', {
    circumstance: 'dev-zero',
  }),
  bug('B1', 'partialLargeFolio', 'a large folio at an odd address is judged by where the address would put it', {
    hiddenBy: ['everyMapping'],
  }),
  bug('B2', 'partialLargeFolio', 'the offset of a large folio is that of the first page met'),
  bug('B3', 'partialLargeFolio', 'after a large folio the walk goes on behind its length, over other folios', {
    hiddenBy: ['entryByEntry'],
  }),
  bug('B3', 'entryByEntry', 'the same once offsets are right'),
  unseen(
    'B4',
    'a page-table lock that could not be taken again after a split is given back',
    'the table goes away only under the mmap lock, which the call holds',
  ),
  bug('B5', 'tryHugeFolioLock', 'the lock of a huge page is waited for inside the page-table lock'),
  bug('B6', 'everyMapping', 'a large folio half of which is mapped elsewhere is relocated as a whole'),
  unseen(
    'B7',
    'a large folio that three processes once mapped may count as shared for ever, and is passed over',
    'eligible memory is of the process that mapped it first: it is known by name, and the mark goes when it is alone',
    'sharedLarge',
  ),
  unseen(
    'B8',
    'a huge entry is cut after its folio was relocated',
    'the walk has cut it already when the destination is not aligned (spec 07 section 6)',
  ),
  bug('07.2', 'cutHugeEntry', 'a huge entry that the range cuts makes relocation fail', { sign: 'outcome' }),
];

/** The bugs that a variant has: its repairs are off, or no repair is about them. */
export function bugsOf(variant: Variant): readonly KnownBug[] {
  const repairs = VARIANTS[variant];
  return KNOWN_BUGS.filter(({ repair }) => repair === null || !repairs[repair]);
}

/** Scenarios made for the bugs; the group of each is the id of its bug. They tell no outcomes. */
export const KNOWN_BUG_SCENARIOS: string = fileURLToPath(new URL('../../scenarios/known-bugs.jsonl', import.meta.url));

/** Reads them. */
export async function readKnownBugScenarios(): Promise<readonly Scenario[]> {
  const scenarios: Scenario[] = [];
  for await (const scenario of readScenarios(KNOWN_BUG_SCENARIOS, { unrecorded: true })) scenarios.push(scenario);
  return scenarios;
}
