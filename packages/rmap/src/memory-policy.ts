/** A NUMA memory policy as far as it keeps VMAs apart. Compared by value: {@link policiesEqual}. */
export interface MemoryPolicy {
  readonly mode: string;
  readonly flags: number;
  /** Nodes as a bit mask. */
  readonly nodes: number;
}

/** Both absent, or the same mode, flags and nodes. */
export function policiesEqual(a: MemoryPolicy | null, b: MemoryPolicy | null): boolean {
  if (a === b) return true;
  return a !== null && b !== null && a.mode === b.mode && a.flags === b.flags && a.nodes === b.nodes;
}
