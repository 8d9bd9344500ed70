import type { PhaseEvent } from '@vmakit/events';
import { Scene, type SceneOptions } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';
import { type AutoRelocateRules, autoRelocate } from './index.js';

function scene(rules: Partial<AutoRelocateRules> = {}, options: SceneOptions = {}): Scene {
  return new Scene({ policies: [autoRelocate(rules)], ...options });
}

/** Why the policy left a move alone, or took it. */
function reasonOf(here: Scene, act: () => void): string | undefined {
  const isDecision = (event: PhaseEvent): event is Extract<PhaseEvent, { type: 'mremap.eligibility' }> =>
    event.type === 'mremap.eligibility';
  return here.events(act).find(isDecision)?.reason;
}

describe('it relocates, without being asked, what could then merge', () => {
  test('beside touched memory', () => {
    const here = scene().map(16, 8).write(16, 8).map(64, 8).write(64, 8);
    expect(reasonOf(here, () => here.move(64, 8, 24))).toBe('merges on 1 side(s) for 8 folios');
    expect(here.vmas()).toEqual(['16-32 rw-p @16 a']);
    expect(here.kernel.policies.counters.read()).toEqual({ autoRelocated: 1, autoMerged: 1 });
  });

  test('and its events tell what it costs: a look at each entry, then a rewrite of each folio', () => {
    const here = scene().map(16, 8).write(16, 8).map(64, 8).write(64, 5);
    const events = here.events(() => here.move(64, 8, 24));
    const looked = events.filter((event) => event.type === 'mremap.scan');
    expect(looked.map(({ entries }) => entries)).toEqual([5]);
    const walked = events.filter((event) => event.type === 'relocation.progress');
    expect(walked.map(({ entries, folios }) => [entries, folios])).toEqual([[5, 5]]);
    expect(events.find((event) => event.type === 'relocation.end')).toMatchObject({ outcome: 'done', folios: 5 });
  });

  test('between untouched neighbours', () => {
    const here = scene().map(16, 8).map(32, 8).map(64, 8).write(64, 8);
    expect(reasonOf(here, () => here.move(64, 8, 24))).toBe('merges on 2 side(s) for 8 folios');
    expect(here.vmas()).toEqual(['16-40 rw-p @16 a']);
  });

  test('with `sides: 0` also what comes first, so that a compactor ends with one mapping', () => {
    const here = scene({ sides: 0 });
    for (let i = 0; i < 20; i++) here.map(8 * i, 1 + (i % 4)).write(8 * i, 1 + (i % 4));
    let to = 1000;
    for (let i = 0; i < 20; i++) {
      here.move(8 * i, 1 + (i % 4), to);
      to += 1 + (i % 4);
    }
    expect(here.vmas()).toEqual(['1000-1050 rw-p @1000 a']);
  });
});

describe('it leaves alone', () => {
  test.each<[string, (here: Scene) => void, string]>([
    ['what has no neighbour', (s) => s.map(64, 8).write(64, 8), 'it would not merge'],
    [
      'what differs from its neighbour',
      (s) => s.map(16, 8, { prot: 'r' }).map(64, 8).write(64, 8),
      'it would not merge',
    ],
    ['untouched memory', (s) => s.map(16, 8).map(64, 8), 'untouched'],
    ['pinned pages', (s) => s.map(16, 8).map(64, 8).write(64, 8).pin(66, 1), 'a pinned folio'],
  ])('%s', (_name, prepare, reason) => {
    const here = scene();
    prepare(here);
    expect(reasonOf(here, () => here.move(64, 8, 24))).toBe(reason);
    expect(here.kernel.policies.counters.read()).toEqual({});
  });

  test('forked memory', () => {
    const here = scene().map(16, 8).map(64, 8).write(64, 8);
    here.fork();
    expect(reasonOf(here, () => here.move(64, 8, 24))).toBe('maybe shared');
  });

  test('large folios that do not move whole', () => {
    const thp = { enabled: 'always', orders: [4, 9] } as const;
    const here = scene({}, { thp, pages: 2 ** 16 })
      .map(496, 16)
      .write(496, 1)
      .map(1024, 512)
      .write(1024, 512);
    expect(reasonOf(here, () => here.move(1024, 256, 512))).toBe('a huge entry that the range cuts');
    const whole = scene({}, { thp, pages: 2 ** 16 })
      .map(511, 1)
      .map(1024, 512)
      .write(1024, 512);
    expect(reasonOf(whole, () => whole.move(1024, 512, 512))).toBe('merges on 1 side(s) for 1 folios');
    expect(whole.vmas()).toEqual(['511-1024 rw-p @511 a']);
  });
});

describe('the rules can be adjusted', () => {
  const beside = (rules: Partial<AutoRelocateRules>): string | undefined => {
    const here = scene(rules).map(16, 8).map(64, 8).write(64, 8);
    return reasonOf(here, () => here.move(64, 8, 24));
  };

  test('by size, cost, sides and share of the mappings', () => {
    expect(beside({ maxPages: 4 })).toBe('too many pages');
    expect(beside({ maxFolios: 7 })).toBe('too many folios');
    expect(beside({ sides: 2 })).toBe('it would not merge');
    expect(beside({ mapCountShare: 0.5 })).toBe('few mappings');
    expect(beside({ maxFolios: 8 })).toBe('merges on 1 side(s) for 8 folios');
  });

  test("by a rule of one's own", () => {
    expect(beside({ accept: (_move, { folios, merges }) => merges * 4 > folios })).toBe('not accepted');
  });

  test('values that make no sense are named', () => {
    expect(() => autoRelocate({ maxFolios: -1 })).toThrow(/^maxFolios/);
    expect(() => autoRelocate({ sides: 3 as 2 })).toThrow(/^sides/);
  });
});

test('the predicted merges are those that happen', () => {
  for (const [left, right] of [
    ['n', 'u'],
    ['u', 'u'],
    ['t', 'u'],
    ['u', 't'],
    ['t', 't'],
    ['t', 'n'],
  ] as const) {
    const here = scene();
    if (left !== 'n') here.map(16, 8);
    if (right !== 'n') here.map(32, 8);
    if (left === 't') here.write(16, 8);
    if (right === 't') here.write(32, 8);
    here.map(64, 8).write(64, 8);
    const before = here.vmas().length;
    const reason = reasonOf(here, () => here.move(64, 8, 24));
    const predicted = Number(/on (\d) side/.exec(reason ?? '')?.[1] ?? 0);
    expect([left, right, before - here.vmas().length]).toEqual([left, right, predicted]);
  }
});
