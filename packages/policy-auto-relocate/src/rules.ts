import type { Move } from '@vmakit/mremap';

/** When {@link autoRelocate} acts. Every rule can be adjusted. */
export interface AutoRelocateRules {
  /** Ranges of more pages are left alone, without a look at what is in them. */
  readonly maxPages: number;
  /** Moves that would have to rewrite more folios are left alone. */
  readonly maxFolios: number;
  /** Acts only while the process has at least this share of the mappings that it may have (0: always, 0.5: half). */
  readonly mapCountShare: number;
  /**
   * Acts only when the moved memory would merge on this many sides. 0: also when there is nothing to merge with yet, so
   * that what is moved there later can.
   */
  readonly sides: 0 | 1 | 2;
  /** Asked last, with what the relocation would cost: a rule of one's own. */
  readonly accept: (move: Move, cost: RelocationCost) => boolean;
}

/** What a relocation would do. */
export interface RelocationCost {
  /** Folios to rewrite. */
  readonly folios: number;
  /** Entries of the range that are not empty. */
  readonly entries: number;
  /** VMAs that there will be less. */
  readonly merges: number;
}

/** Small moves are relocated, large ones are not: at most 16 MiB of 4 KiB pages. */
export const DEFAULT_RULES: AutoRelocateRules = {
  maxPages: 65536,
  maxFolios: 4096,
  mapCountShare: 0,
  sides: 1,
  accept: () => true,
};

/**
 * The default rules with `changes`.
 *
 * @throws {RangeError} naming a rule whose value makes no sense
 */
export function resolveRules(changes: Partial<AutoRelocateRules>): AutoRelocateRules {
  const rules = { ...DEFAULT_RULES, ...changes };
  for (const name of ['maxPages', 'maxFolios', 'mapCountShare'] as const) {
    if (!(rules[name] >= 0)) throw new RangeError(`${name}: ${rules[name]} is not a limit`);
  }
  if (![0, 1, 2].includes(rules.sides)) throw new RangeError(`sides: ${String(rules.sides)} is not 0, 1 or 2`);
  return rules;
}
