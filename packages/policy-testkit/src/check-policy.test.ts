import { LEAF_FAIL, LEAF_NEXT, LEAF_PLACE, definePolicy, pass, refuseMove, take } from '@vmakit/mremap';
import { autoRelocate } from '@vmakit/policy-auto-relocate';
import { largeFolio } from '@vmakit/policy-large-folio';
import { relocateAnon } from '@vmakit/policy-relocate-anon';
import { describe, expect, test } from 'vitest';
import { type PolicyCheck, SITUATIONS, checkPolicy, describeFindings } from './index.js';

/** The names of the checks that found something. */
const caught = (report: ReturnType<typeof checkPolicy>): PolicyCheck[] => [
  ...new Set(report.findings.map(({ check }) => check)),
];

describe('policies that keep the contract pass', () => {
  test('relocate-anon, with large folios', () => {
    const report = checkPolicy(relocateAnon(), { with: [largeFolio()], maxOccurrences: 3 });
    expect(describeFindings(report)).toBe(`policy relocate-anon: ${report.calls} calls, nothing found`);
  }, 120_000);

  test('relocate-anon alone', () => {
    expect(describeFindings(checkPolicy(relocateAnon(), { checks: ['differential', 'invariants'] }))).toMatch(
      'nothing',
    );
  });

  test('auto-relocate', () => {
    const report = checkPolicy(autoRelocate({ sides: 0 }), { maxOccurrences: 3 });
    expect(describeFindings(report)).toBe(`policy auto-relocate: ${report.calls} calls, nothing found`);
  }, 120_000);

  test('one that only refuses', () => {
    const small = definePolicy({
      name: 'small-only',
      setup: () => ({ decide: (move) => (move.oldPages > 4 ? refuseMove('ENOMEM', 'too large') : pass('small')) }),
    });
    expect(describeFindings(checkPolicy(small))).toMatch('nothing found');
  }, 60_000);
});

describe('it bites', () => {
  const eight = SITUATIONS.filter(({ name }) => name === 'eight pages');
  const check = (policy: Parameters<typeof checkPolicy>[0]): PolicyCheck[] =>
    caught(checkPolicy(policy, { situations: eight }));

  test('the series as posted leaves pinned pages behind and accounts wrong', () => {
    const situations = SITUATIONS.filter(({ name }) => ['one page pinned', 'eight pages'].includes(name));
    const report = checkPolicy(relocateAnon({ variant: 'v1' }), { with: [largeFolio()], situations });
    expect(caught(report)).toEqual(expect.arrayContaining(['invariants', 'rollback']));
    const text = describeFindings(report);
    expect(text).toContain('invariants: one page pinned (RELOCATE_ANON): S4.');
    expect(text).toContain('rollback: eight pages (RELOCATE_ANON, relocate-entry 1 of 8): S6.3');
  });

  test('a short cut that judges otherwise than the long way', () => {
    const hasty = definePolicy({
      name: 'hasty',
      setup: () => ({
        decide: () => take('always'),
        beforeCopy: () => 'fresh',
        leaf: (_move, leaf) => (leaf.order === 0 && leaf.head >= 0 ? LEAF_PLACE : LEAF_NEXT),
        placeable: (_move, _first, count) => Math.min(count, 1),
      }),
    });
    expect(check(hasty)).toEqual([]);
    const wrong = definePolicy({
      name: 'wrong',
      setup: () => ({
        decide: () => take('always'),
        beforeCopy: () => 'fresh',
        leaf: () => LEAF_FAIL,
        placeable: (_move, _first, count) => count,
      }),
    });
    expect(check(wrong)).toEqual(['determinism']);
  });

  test('a decision that changes something', () => {
    const meddling = definePolicy({
      name: 'meddling',
      setup: ({ memory }) => ({
        decide: (move) => {
          move.scan(({ head }) => {
            memory.index[head] = 1;
            return LEAF_NEXT;
          });
          return pass('nothing seen');
        },
      }),
    });
    expect(check(meddling)).toContain('pure-decision');
  });

  test('offsets that are wrong', () => {
    const shifted = definePolicy({
      name: 'shifted',
      setup: () => ({
        decide: () => take('always'),
        beforeCopy: () => 'fresh' as const,
        leaf: (move, leaf) => {
          move.rewriteFolio(leaf.head, leaf.destinationPage + 1);
          return LEAF_NEXT;
        },
      }),
    });
    expect(check(shifted)).toContain('invariants');
  });

  test('chance', () => {
    let calls = 0;
    const fickle = definePolicy({
      name: 'fickle',
      setup: () => ({ decide: () => (++calls % 2 === 0 ? take('even') : pass('odd')) }),
    });
    expect(check(fickle)).toContain('determinism');
  });

  test('a refusal that loses memory would be seen as one without', () => {
    const refusing = definePolicy({ name: 'never', setup: () => ({ decide: () => refuseMove('EPERM', 'never') }) });
    expect(check(refusing)).toEqual([]);
  });
});
