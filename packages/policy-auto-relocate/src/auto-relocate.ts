import {
  LEAF_NEXT,
  LEAF_PLACE,
  LeafKind,
  type Move,
  type MoveDecision,
  type MremapPolicy,
  type PolicyContext,
  definePolicy,
  pass,
  take,
} from '@vmakit/mremap';
import { countMerges, obstacleTo } from './prospect.js';
import { type AutoRelocateRules, resolveRules } from './rules.js';
import { survey } from './survey.js';

/** What is counted: moves relocated, and merges that came of it. */
export const AUTO_RELOCATE_COUNTERS = ['autoRelocated', 'autoMerged'] as const;

/**
 * Relocates moved anonymous memory without being asked, when it lands beside anonymous memory that it could then merge
 * with and little has to be rewritten for it (the semi-automatic variant of spec 06 section 10). No flag; never takes
 * anything back: what might fail is seen before it begins, and left alone.
 *
 * @example
 * const kernel = createKernel({ policies: [autoRelocate({ maxFolios: 512 })] });
 *
 * @throws {RangeError} naming a rule whose value makes no sense
 */
export function autoRelocate(changes: Partial<AutoRelocateRules> = {}): MremapPolicy {
  const rules = resolveRules(changes);
  return definePolicy({
    name: 'auto-relocate',
    setup: (context) => {
      const { counters } = context;
      const relocated = counters.slot('autoRelocated');
      const merged = counters.slot('autoMerged');
      return {
        decide: (move) => decide(move, context, rules),
        beforeCopy: () => 'fresh',
        leaf: (_move, { kind }) => (kind === LeafKind.Page || kind === LeafKind.HugePage ? LEAF_PLACE : LEAF_NEXT),
        placeable: (_move, _first, count) => count,
        afterMove: () => {
          (counters.values[relocated] as number)++;
        },
        lastMerge: (move) => {
          if (move.mergeDestination({ withSource: !move.keepsSource }).merged) (counters.values[merged] as number)++;
        },
      };
    },
  });
}

/** The rules, the cheapest first. */
function decide(move: Move, context: PolicyContext, rules: AutoRelocateRules): MoveDecision {
  const { source } = move;
  if (move.oldPages > rules.maxPages) return pass('too many pages');
  const obstacle = obstacleTo(source);
  if (obstacle !== null) return pass(obstacle);
  if (source.mm.mapCount < rules.mapCountShare * context.maxMapCount) return pass('few mappings');
  const merges = countMerges(move);
  if (merges < rules.sides) return pass('it would not merge');
  const found = survey(move, context, rules.maxFolios);
  if (found.obstacle !== null) return pass(found.obstacle);
  if (!rules.accept(move, { folios: found.folios, entries: found.entries, merges })) return pass('not accepted');
  return take(`merges on ${merges} side(s) for ${found.folios} folios`);
}
