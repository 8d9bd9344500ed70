/** When an invariant is checked. */
export type CheckedWhen =
  /** By `InvariantChecker` and `checkInvariants`, with no operation in progress. */
  | 'between operations'
  /** By `InvariantChecker`, which remembers the state before. */
  | 'between operations, with the one before'
  /** By `MremapContract`, from before and after a call. */
  | 'around an mremap'
  /** Elsewhere; `note` says where. */
  | 'elsewhere';

/** An invariant of spec 09 that holds between operations, or a part of the contract of calls. */
export interface Invariant {
  readonly id: string;
  readonly says: string;
  readonly when: CheckedWhen;
  readonly note?: string;
}

const rows: readonly (readonly [id: string, says: string, when?: CheckedWhen, note?: string])[] = [
  ['S1.1', 'mappings are sorted, disjoint ranges of whole pages in the address space'],
  ['S1.2', 'the map count is the number of mappings, and passes the limit by one at most'],
  ['S1.3', 'the tree finds a mapping by its pages'],
  ['S1.4', 'every mapping is attached, of this address space, and linked to its neighbours'],
  [
    'S1.5',
    'mappings that just went through a merge are not mergeable',
    'elsewhere',
    'vma-merge; neighbours that could merge are legal otherwise',
  ],
  ['S1.6', 'flags are legal together'],
  ['S1.7', 'what was sealed stays as it was', 'between operations, with the one before'],
  ['S2.1', 'an unfaulted anonymous mapping has its address as its offset'],
  ['S2.2', 'an anonymous mapping has one offset'],
  ['S2.3', 'an offset does not wrap'],
  ['S2.4', 'a relocated mapping has its address as its offset', 'around an mremap', 'as S8.6'],
  ['S3.1', 'links and trees of anon_vmas agree'],
  ['S3.2', 'a mapping has links exactly when it has an anon_vma'],
  ['S3.3', "a mapping's own anon_vma is among its links"],
  ['S3.4', 'a mapping is linked to an anon_vma once'],
  ['S3.5', 'all anon_vmas of a mapping have one root'],
  ['S3.6', 'a root is its own root and parent; others have the root of their parent'],
  ['S3.7', 'num_active_vmas counts the mappings that have it as their own'],
  ['S3.8', 'num_children counts the living children that have links'],
  ['S3.9', 'references are one for having links, one from each living descendant of a root, and those of KSM'],
  ['S3.10', 'a living anon_vma has links, or is kept by descendants or KSM'],
  ['S3.11', 'a mapping linked to an anon_vma is linked to its ancestors'],
  [
    'S3.12',
    'a merged mapping has the links of the faulted party',
    'elsewhere',
    'vma-merge; the parties are gone afterwards',
  ],
  ['S3.13', 'a mapping without an anon_vma has no anonymous page'],
  ['S4.1', 'the walk from a folio comes to each of its mappings'],
  ['S4.2', 'map counts are the entries that map'],
  ['S4.3', 'references are mappings, caches and pins'],
  ['S4.4', 'the slots of a large folio never count too much, and two address spaces are noticed'],
  ['S4.5', 'an exclusive page is mapped once'],
  ['S4.6', 'a writable entry of a private mapping maps an exclusive page'],
  ['S4.7', 'the index of a page is that of the place where it is mapped'],
  ['S4.8', 'a folio points to a living anon_vma'],
  ['S4.9', 'a page in the swap cache fits the mappings that swapped it out'],
  ['S4.10', 'a large folio is aligned, and each of its pages knows its order'],
  ['S4.11', 'a moved range that is marked for merging has no merged page', 'around an mremap'],
  ['S5.1', 'an entry lies in a mapping'],
  ['S5.2', 'tables, resident pages and swap entries are counted; no table is lost'],
  ['S5.3', 'a huge entry lies in one mapping and has a table in reserve'],
  ['S5.4', 'the contiguous hint is on whole aligned blocks of one folio only'],
  ['S5.5', 'an entry is encoded as what it says encodes'],
  ['S5.6', 'an entry allows no more than its mapping'],
  ['S5.7', 'a moved range holds no entry any more', 'around an mremap'],
  ['S5.8', 'guard markers are only in mappings that may have them'],
  ['S5.9', 'userfaultfd marks are only in mappings registered for them'],
  ['S5.10', 'a moved entry keeps its page', 'around an mremap'],
  ['S5.11', 'translations of moved pages are flushed', 'around an mremap'],
  ['S6.1', 'pages are counted in total and by class'],
  ['S6.2', 'locked pages are those of LOCKED mappings'],
  ['S6.3', 'what is charged is what ACCOUNT mappings amount to'],
  ['S6.4', 'the high-water mark is no lower than any total seen'],
  ['S6.5', 'a failed call leaves the totals', 'around an mremap', 'as S8.5'],
  ['S6.6', 'RLIMIT_AS is kept', 'between operations, with the one before'],
  ['S7', 'every lock is free'],
  ['S8.1', 'the destination is mapped as the source was', 'around an mremap'],
  ['S8.2', 'the content of a page moves with it', 'around an mremap'],
  ['S8.3', 'with DONTUNMAP the source stays mapped, and empty', 'around an mremap'],
  ['S8.4', 'an error is one that the call can give', 'around an mremap'],
  ['S8.5', 'a call that is refused for its arguments changes nothing', 'around an mremap'],
  ['S8.6', 'MUST succeeds only if the memory is relocated, unfaulted, or merged as it is', 'around an mremap'],
  ['S8.7', 'RELOCATE gives no error that the same call without it would not', 'elsewhere', 'verify: relocationEffects'],
  ['S8.8', 'RELOCATE changes no content', 'elsewhere', 'verify: relocationEffects'],
];

/** Every invariant of spec 09 sections S1 to S8, with when it is checked. */
export const INVARIANTS: readonly Invariant[] = rows.map(([id, says, when = 'between operations', note]) => ({
  id,
  says,
  when,
  ...(note === undefined ? {} : { note }),
}));
