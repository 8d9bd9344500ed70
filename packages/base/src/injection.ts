/**
 * The points at which the kernel could run out of memory, lose a race, or meet something busy. Each is a name that a
 * {@link FaultInjector} is asked about every time the model comes there.
 */
export const INJECTION_POINTS = [
  'vma-alloc',
  'vma-tree-node',
  'anon-vma-alloc',
  'anon-vma-chain-alloc',
  'policy-duplicate',
  'page-table-pud',
  'page-table-pmd',
  'page-table-pte',
  'page-table-lock',
  'move-step',
  'folio-alloc',
  'folio-trylock',
  'folio-pinned',
  'folio-split',
  'relocate-entry',
  'swap-slot',
  'ksm-break',
  'uffd-context',
  'mmap-lock-killed',
  'unmap-tree-store',
] as const;

export type InjectionPoint = (typeof INJECTION_POINTS)[number];

/** Decides, each time a point is reached, whether it fails now. */
export interface FaultInjector {
  /** True: the point fails this time. Called once for each time it is reached, in order. */
  fails(point: InjectionPoint): boolean;
}
