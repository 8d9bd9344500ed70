import type { OperationName } from '@vmakit/trace';

/** What a random program is about: how often each operation comes, and what they are done to. */
export interface Mix {
  readonly name: string;
  /** Weight of this mix among the others. */
  readonly weight: number;
  /** Weights of the operations; not named: never. */
  readonly operations: Readonly<Partial<Record<OperationName, number>>>;
  /** Percent of mappings with a file behind them. */
  readonly files: number;
  /** Percent of mappings that are shared. */
  readonly shared: number;
  /** Greatest length of a new mapping, pages. */
  readonly longest: number;
  /** Processes at most. */
  readonly processes: number;
  /** Percent of moves that keep the source mapped. */
  readonly dontUnmap: number;
  /** Mappings are of several huge pages, aligned to them. */
  readonly huge: boolean;
}

const SMALL: Omit<Mix, 'name' | 'weight' | 'operations'> = {
  files: 0,
  shared: 0,
  longest: 6,
  processes: 1,
  dontUnmap: 8,
  huge: false,
};

/** The mixes of a campaign. Every program draws one. */
export const MIXES: readonly Mix[] = [
  {
    ...SMALL,
    name: 'merge',
    weight: 30,
    operations: { mmap: 28, touch: 22, mprotect: 16, munmap: 8, mremap: 20, madvise: 6 },
  },
  {
    ...SMALL,
    name: 'move',
    weight: 26,
    operations: { mmap: 16, touch: 20, mprotect: 6, munmap: 6, mremap: 48, madvise: 3, mlock: 1 },
    dontUnmap: 15,
  },
  {
    ...SMALL,
    name: 'fork',
    weight: 16,
    operations: { mmap: 18, touch: 26, mprotect: 8, munmap: 5, mremap: 25, madvise: 7, fork: 7, exit: 4 },
    processes: 5,
  },
  {
    ...SMALL,
    name: 'file',
    weight: 8,
    operations: { mmap: 26, touch: 24, mprotect: 12, munmap: 6, mremap: 24, madvise: 5, fork: 2, exit: 1 },
    files: 55,
    shared: 30,
    processes: 3,
  },
  {
    ...SMALL,
    name: 'advice',
    weight: 12,
    operations: { mmap: 20, touch: 20, mprotect: 6, munmap: 4, mremap: 18, madvise: 22, mlock: 5, munlock: 4, fork: 3, exit: 1 },
    processes: 3,
    shared: 4,
  },
  {
    ...SMALL,
    name: 'odd',
    weight: 6,
    operations: {
      mmap: 20,
      touch: 22,
      mprotect: 6,
      munmap: 5,
      mremap: 28,
      madvise: 6,
      mlock: 4,
      munlock: 2,
      mseal: 2,
      rlimit: 2,
      uffd: 3,
      pin: 3,
      unpin: 2,
      fork: 3,
      exit: 1,
    },
    processes: 3,
    shared: 4,
    files: 8,
    dontUnmap: 20,
  },
  {
    ...SMALL,
    name: 'huge',
    weight: 2,
    operations: { mmap: 20, touch: 22, mprotect: 8, munmap: 6, mremap: 28, madvise: 10, fork: 3, exit: 1 },
    longest: 1024,
    processes: 2,
    dontUnmap: 12,
    huge: true,
  },
];
