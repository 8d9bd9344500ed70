import type { MapFlagName, OperationName } from '@vmakit/trace';

/** What a random program is about: how often each operation comes, and what they are done to. Shares are percent. */
export interface Mix {
  readonly name: string;
  /** Weight of this mix among the others. */
  readonly weight: number;
  /** Weights of the operations; not named: never. */
  readonly operations: Readonly<Partial<Record<OperationName, number>>>;
  /** Mappings with a file behind them. */
  readonly files: number;
  /** Mappings that are shared. */
  readonly shared: number;
  /** Moves that keep the source mapped. */
  readonly dontUnmap: number;
  /** Calls whose arguments are not whole pages, not in order, or nonsense. */
  readonly malformed: number;
  /** Flags that a new mapping has now and then. */
  readonly extraFlags: readonly MapFlagName[];
  /** Processes at most. */
  readonly processes: number;
  /** Greatest length of a new mapping, pages. */
  readonly longest: number;
  /** Mappings are as long as page tables, aligned to them, and touched here and there. */
  readonly wide: boolean;
  /** Advice that asks for huge pages, of all advice. */
  readonly hugeAdvice: number;
  /** The program runs into the limit on the number of mappings. */
  readonly nearMapLimit: boolean;
}

const PLAIN: Omit<Mix, 'name' | 'weight' | 'operations'> = {
  files: 0,
  shared: 0,
  dontUnmap: 8,
  malformed: 0,
  extraFlags: [],
  processes: 1,
  longest: 6,
  wide: false,
  hugeAdvice: 0,
  nearMapLimit: false,
};

/** The mixes of a campaign. Every program draws one. */
export const MIXES: readonly Mix[] = [
  {
    ...PLAIN,
    name: 'merge',
    weight: 580,
    operations: { mmap: 26, touch: 24, mprotect: 18, munmap: 7, mremap: 20, madvise: 5 },
  },
  {
    ...PLAIN,
    name: 'move',
    weight: 520,
    operations: { mmap: 16, touch: 24, mprotect: 6, munmap: 5, mremap: 46, madvise: 2, mlock: 1 },
    dontUnmap: 15,
  },
  {
    ...PLAIN,
    name: 'fork',
    weight: 320,
    operations: { mmap: 17, touch: 27, mprotect: 9, munmap: 4, mremap: 25, madvise: 7, fork: 7, exit: 4 },
    processes: 5,
  },
  {
    ...PLAIN,
    name: 'file',
    weight: 160,
    operations: { mmap: 26, touch: 24, mprotect: 12, munmap: 6, mremap: 24, madvise: 5, fork: 2, exit: 1 },
    files: 55,
    shared: 30,
    processes: 3,
  },
  {
    ...PLAIN,
    name: 'advice',
    weight: 220,
    operations: {
      mmap: 20,
      touch: 22,
      mprotect: 6,
      munmap: 4,
      mremap: 18,
      madvise: 22,
      mlock: 5,
      munlock: 4,
      fork: 3,
      exit: 1,
    },
    processes: 3,
    shared: 4,
  },
  {
    ...PLAIN,
    name: 'odd',
    weight: 140,
    operations: {
      mmap: 20,
      touch: 22,
      mprotect: 6,
      munmap: 5,
      mremap: 28,
      madvise: 6,
      mlock: 4,
      munlock: 2,
      mseal: 1,
      rlimit: 2,
      uffd: 3,
      uffdwp: 2,
      uffdpoison: 1,
      pin: 3,
      unpin: 2,
      fork: 3,
      exit: 1,
    },
    processes: 3,
    shared: 4,
    files: 8,
    dontUnmap: 20,
    malformed: 5,
    extraFlags: ['GROWSDOWN', 'LOCKED', 'POPULATE', 'STACK', 'DROPPABLE'],
  },
  {
    ...PLAIN,
    name: 'tables',
    weight: 40,
    operations: { mmap: 18, touch: 24, mprotect: 6, munmap: 6, mremap: 40, madvise: 4, fork: 2 },
    processes: 2,
    longest: 1100,
    dontUnmap: 12,
    wide: true,
  },
  {
    ...PLAIN,
    name: 'huge',
    weight: 30,
    operations: { mmap: 18, touch: 24, mprotect: 8, munmap: 6, mremap: 30, madvise: 10, fork: 3, exit: 1 },
    longest: 1100,
    processes: 2,
    dontUnmap: 12,
    wide: true,
    hugeAdvice: 50,
  },
  {
    ...PLAIN,
    name: 'limit',
    weight: 1,
    operations: { mmap: 22, touch: 14, mprotect: 22, munmap: 12, mremap: 26, madvise: 4 },
    dontUnmap: 20,
    nearMapLimit: true,
  },
];
