import { checkInvariants } from '@vmakit/check';
import { Scene } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';
import {
  LEAF_FAIL,
  LEAF_PLACE,
  type Move,
  PolicyError,
  type PolicyHooks,
  definePolicy,
  refuseMove,
  take,
} from './index.js';

/*
 * A hook that breaks against the same hook failing as it may: both must leave the same, whatever the call had done
 * before it came there (a destination unmapped, a tail cut off, parts of a range moved).
 */

type Breakable = Exclude<keyof PolicyHooks, 'placeable'>;

/** Takes every move and relocates small folios; `change` replaces hooks while the policy is armed. */
function sceneWith(change: Partial<PolicyHooks>, arm: { on: boolean }, checksLocks = true): Scene {
  const good: Required<Pick<PolicyHooks, 'decide' | 'beforeCopy' | 'afterCopy' | 'leaf' | 'placeable' | 'lastMerge'>> &
    PolicyHooks = {
    decide: () => take('always', { otherwise: 'ENOMEM' }),
    beforeCopy: () => 'fresh',
    afterCopy: () => true,
    leaf: () => LEAF_PLACE,
    placeable: (_move, _first, count) => count,
    lastMerge: (move) => {
      move.mergeDestination({ withSource: !move.keepsSource });
    },
  };
  const armed = Object.fromEntries(
    Object.entries(change).map(([name, hook]) => {
      const ask = hook as (...given: unknown[]) => unknown;
      const usual = good[name as keyof PolicyHooks] as ((...given: unknown[]) => unknown) | undefined;
      return [name, (...given: unknown[]) => (arm.on ? ask(...given) : usual?.(...given))];
    }),
  );
  const policy = definePolicy({ name: 'tester', setup: () => ({ ...good, ...armed }) });
  return new Scene({ policies: [policy], checksLocks });
}

/** Everything that can be seen of a scene. */
function pictureOf(scene: Scene): unknown {
  const { mm } = scene.process;
  return {
    vmas: scene.vmas(),
    pages: scene.pages(0, 128),
    contents: scene.contents(0, 128),
    counted: [mm.mapCount, mm.totalVm, mm.dataVm, mm.lockedVm, mm.rssAnon, mm.hiwaterVm],
    committed: scene.kernel.env.committed,
    anonVmas: scene.kernel.env.anonVmas.liveCount,
    locks: scene.locks.held(),
    broken: checkInvariants(scene.kernel),
  };
}

interface Case {
  readonly name: string;
  readonly prepare: (scene: Scene) => void;
  readonly call: (scene: Scene) => void;
}

const eight = (scene: Scene): Scene => scene.map(16, 8).write(16, 8, 3);

const CASES: readonly Case[] = [
  { name: 'a plain move', prepare: eight, call: (s) => s.move(16, 8, 64) },
  { name: 'growing on the way', prepare: eight, call: (s) => s.remap(16, 8, 12, ['MAYMOVE', 'FIXED'], 64) },
  { name: 'shrinking on the way', prepare: eight, call: (s) => s.remap(16, 8, 5, ['MAYMOVE', 'FIXED'], 64) },
  {
    name: 'over an existing mapping',
    prepare: (s) => eight(s).map(60, 20).write(60, 20, 9),
    call: (s) => s.move(16, 8, 64),
  },
  { name: 'keeping the source', prepare: eight, call: (s) => s.move(16, 8, 64, ['DONTUNMAP']) },
  { name: 'the middle of a mapping', prepare: (s) => s.map(8, 32).write(8, 32), call: (s) => s.move(16, 8, 64) },
  {
    name: 'the first of several mappings',
    prepare: (s) => s.map(16, 2).write(16, 2).map(20, 4, { prot: 'r' }),
    call: (s) => s.move(16, 8, 64),
  },
];

/** For each hook, how it fails in an orderly way, or what comes next does. */
const ORDERLY: Readonly<Record<Exclude<Breakable, 'lastMerge' | 'undo' | 'afterMove'>, Partial<PolicyHooks>>> = {
  decide: { decide: () => refuseMove('ENOMEM', 'no memory') },
  beforeCopy: { afterCopy: () => false },
  afterCopy: { afterCopy: () => false },
  leaf: { leaf: () => LEAF_FAIL },
};

const broken = (): never => {
  throw new Error('broken');
};

describe.each(CASES)('$name', ({ prepare, call }) => {
  function endOf(change: Partial<PolicyHooks>): { readonly picture: unknown; readonly thrown: unknown } {
    const arm = { on: false };
    const scene = sceneWith(change, arm);
    prepare(scene);
    arm.on = true;
    let thrown: unknown = null;
    try {
      call(scene);
    } catch (error) {
      thrown = error;
    }
    return { picture: pictureOf(scene), thrown };
  }

  test.each(Object.keys(ORDERLY) as (keyof typeof ORDERLY)[])('%s breaks as it fails', (hook) => {
    const orderly = endOf(ORDERLY[hook]);
    expect(orderly.thrown).toBeNull();
    const { picture, thrown } = endOf({ [hook]: broken });
    expect(thrown).toMatchObject({ name: 'PolicyError', policy: 'tester', hook });
    expect(picture).toEqual(orderly.picture);
  });

  test('afterMove and undo break as the walk fails', () => {
    const orderly = endOf({ leaf: () => LEAF_FAIL });
    for (const change of [{ afterMove: broken }, { undo: broken, leaf: () => LEAF_FAIL }]) {
      const { picture, thrown } = endOf(change);
      expect(thrown).toBeInstanceOf(PolicyError);
      expect(picture).toEqual(orderly.picture);
    }
  });

  test('lastMerge breaks when all is done: what was moved stays, unmerged', () => {
    const { picture, thrown } = endOf({ lastMerge: broken });
    expect(thrown).toMatchObject({ hook: 'lastMerge' });
    expect(picture).toEqual(endOf({ lastMerge: () => undefined }).picture);
  });
});

describe('placeable, which is asked while nobody watches locks', () => {
  const ways: readonly [string, (scene: () => Scene) => NonNullable<PolicyHooks['placeable']>][] = [
    ['throws', () => broken],
    ['answers more than it was asked', () => (_move, _first, count) => count + 1],
    ['answers no number', () => () => 'all' as never],
    ['answers a fraction', () => () => 0.5],
    ['calls into the kernel', (scene) => () => scene().unmap(16, 8) as never],
    [
      'hides that it called',
      (scene) => (_move, _first, count) => {
        try {
          scene().unmap(16, 8);
        } catch {
          // What the kernel says is swallowed.
        }
        return count;
      },
    ],
    ['cuts a folio', () => (move) => Number(move.splitFolio(1))],
  ];

  test.each(ways)('%s: the call fails and names it', (_way, breakIt) => {
    const arm = { on: false };
    const self: { scene: Scene | null } = { scene: null };
    const scene = sceneWith({ placeable: breakIt(() => self.scene as Scene) }, arm, false);
    self.scene = eight(scene);
    const before = pictureOf(scene);
    arm.on = true;
    let thrown: unknown = null;
    try {
      scene.move(16, 8, 64);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'PolicyError', policy: 'tester', hook: 'placeable' });
    expect(pictureOf(scene)).toEqual(before);
  });
});

describe('answers that only look right', () => {
  const endings: readonly [string, (move: Move) => unknown][] = [
    ['an error that does not exist', () => refuseMove('EWHATEVER' as never, 'because')],
    ['a failure that does not exist', () => take('mine', { otherwise: 'sometimes' as never })],
    ['a promise of a decision', () => Promise.resolve(take('mine'))],
    ['nothing', () => undefined],
  ];

  test.each(endings)('%s is no decision', (_name, decide) => {
    const arm = { on: false };
    const scene = eight(sceneWith({ decide: decide as never }, arm));
    const before = pictureOf(scene);
    arm.on = true;
    expect(() => scene.move(16, 8, 64)).toThrow('policy tester, hook decide: gave no decision');
    expect(pictureOf(scene)).toEqual(before);
  });

  test.each([
    ['throws', broken],
    ['gives no hooks', () => null as never],
    ['gives a hook that is no function', () => ({ leaf: 1 }) as never],
  ])('a setup that %s is told when the kernel is made', (_name, setup) => {
    expect(() => new Scene({ policies: [definePolicy({ name: 'tester', setup })] })).toThrow(
      /^policy tester, hook setup/,
    );
  });
});
