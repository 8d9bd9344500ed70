import { FailNth } from '@vmakit/check';
import { Scene } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';
import {
  LEAF_NEXT,
  LEAF_PLACE,
  type Move,
  type MremapPolicy,
  PolicyConflictError,
  PolicyError,
  type PolicyHooks,
  PolicySet,
  defineExtensionPoint,
  definePolicy,
  pass,
  refuseMove,
  take,
} from './index.js';

/** A policy that takes every move and gives each small folio its place; `change` replaces hooks. */
function relocating(change: Partial<PolicyHooks> = {}): MremapPolicy {
  return definePolicy({
    name: 'tester',
    setup: () => ({
      decide: () => take('always'),
      beforeCopy: () => 'fresh',
      leaf: (_move, leaf) => (leaf.order === 0 && leaf.head >= 0 ? LEAF_PLACE : LEAF_NEXT),
      lastMerge: (move) => {
        move.mergeDestination({ withSource: !move.keepsSource });
      },
      ...change,
    }),
  });
}

/** Eight touched pages at 16, room at 64. */
const touched = (policy: MremapPolicy): Scene => new Scene({ policies: [policy] }).map(16, 8).write(16, 8);

const picture = (scene: Scene): unknown => [
  scene.vmas(),
  scene.pages(16, 8),
  scene.pages(64, 8),
  scene.process.mm.totalVm,
  scene.process.mm.mapCount,
  scene.kernel.env.committed,
  scene.kernel.env.anonVmas.liveCount,
  scene.locks.held(),
];

test('a policy that takes a move relocates it', () => {
  const scene = touched(relocating());
  expect(scene.move(16, 8, 64)).toBe(64);
  expect(scene.vmas()).toEqual(['64-72 rw-p @64 a']);
  expect(scene.pages(64, 2)).toEqual(['a:64', 'a:65']);
});

test('the moments come in their order', () => {
  const seen: string[] = [];
  const note = <T>(hook: string, answer: T): ((move: Move) => T) => {
    return () => {
      seen.push(hook);
      return answer;
    };
  };
  const scene = touched(
    relocating({
      decide: note('decide', take('always')),
      beforeCopy: note('beforeCopy', 'fresh'),
      afterCopy: note('afterCopy', true),
      leaf: note('leaf', LEAF_NEXT),
      afterMove: note('afterMove', undefined),
      lastMerge: note('lastMerge', undefined),
      undo: note('undo', undefined),
    }),
  );
  scene.move(22, 2, 64);
  expect(seen).toEqual(['decide', 'beforeCopy', 'afterCopy', 'leaf', 'leaf', 'afterMove', 'lastMerge']);
});

describe('what is promised at each moment', () => {
  test('locks: the source VMA from decide on, the anon_vma of the destination while folios are changed', () => {
    const held: Record<string, string[]> = {};
    const look = (hook: string): void => {
      held[hook] = scene.locks.held().map(({ lockClass }) => lockClass);
    };
    const scene: Scene = touched(
      relocating({
        decide: () => {
          look('decide');
          return take('always');
        },
        leaf: () => {
          look('leaf');
          return LEAF_NEXT;
        },
        afterMove: () => look('afterMove'),
        lastMerge: () => look('lastMerge'),
      }),
    );
    scene.move(16, 8, 64);
    expect(held).toEqual({
      decide: ['mmap', 'vma'],
      leaf: ['mmap', 'vma', 'anon-vma', 'page-table', 'folio'],
      afterMove: ['mmap', 'vma', 'anon-vma'],
      lastMerge: ['mmap', 'vma'],
    });
  });

  test('a destination that merges as it is ends the part of the policy', () => {
    const seen: string[] = [];
    const scene = new Scene({ policies: [relocating({ beforeCopy: () => (seen.push('asked'), 'fresh') })] });
    scene.map(16, 15).write(16, 15);
    scene.kernel.policies.counters.reset();
    scene.move(21, 5, 64);
    seen.length = 0;
    scene.move(64, 5, 21);
    expect(seen).toEqual(['asked']);
    const plain = new Scene({ policies: [relocating({ beforeCopy: () => (seen.push('plain'), 'keep') })] });
    plain.map(16, 15).write(16, 15);
    plain.move(21, 5, 64);
    plain.move(64, 5, 21);
    expect(plain.vmas()).toEqual(['16-31 rw-p @16 a']);
    expect(seen).toEqual(['asked', 'plain']);
  });

  test('a leaf that fails makes an ordinary move, or the error that was decided', () => {
    const failing = { leaf: (_move: Move, leaf: { page: number }) => (leaf.page % 8 === 5 ? 0 : LEAF_PLACE) };
    const plain = touched(relocating(failing));
    expect(plain.move(16, 8, 64)).toBe(64);
    expect(plain.vmas()).toEqual(['64-72 rw-p @16 a']);
    expect(plain.pages(64, 8)).toEqual(['a:16', 'a:17', 'a:18', 'a:19', 'a:20', 'a:21', 'a:22', 'a:23']);
    const must = touched(relocating({ ...failing, decide: () => take('must', { otherwise: 'EFAULT' }) }));
    const before = picture(must);
    expect(must.move(16, 8, 64)).toBe('EFAULT');
    expect(picture(must)).toEqual(before);
  });

  test('a refusal gives the charge back', () => {
    const scene = touched(relocating({ decide: () => refuseMove('EAGAIN', 'not today') }));
    const before = picture(scene);
    expect(scene.remap(16, 8, 16, ['MAYMOVE', 'FIXED'], 64)).toBe('EAGAIN');
    expect(picture(scene)).toEqual(before);
  });

  test('when the tables cannot be moved every folio has its old place again', () => {
    const scene = touched(relocating());
    const before = picture(scene);
    scene.kernel.env.injector = new FailNth('move-step', 1);
    expect(scene.move(16, 8, 64)).toBe('ENOMEM');
    expect(picture(scene)).toEqual(before);
  });
});

/** The hooks that can break, with something that is no answer of theirs. */
const NONSENSE: Readonly<Record<Exclude<keyof PolicyHooks, 'placeable'>, unknown>> = {
  decide: { kind: 'maybe' },
  beforeCopy: 'elsewhere',
  afterCopy: 'yes',
  leaf: 1.5,
  afterMove: Promise.resolve(),
  undo: 7,
  lastMerge: 'done',
};

/** In which moments the call has succeeded already, so that its success stays. */
const STAYS_DONE: readonly string[] = ['lastMerge'];

describe('a policy that breaks its contract', () => {
  const hooks = Object.keys(NONSENSE) as (keyof typeof NONSENSE)[];
  const ways: readonly [string, (hook: keyof typeof NONSENSE, scene: () => Scene) => () => never][] = [
    [
      'throws',
      () => () => {
        throw new Error('broken');
      },
    ],
    ['answers nonsense', (hook) => () => NONSENSE[hook] as never],
    ['calls into the kernel', (_hook, scene) => () => scene().unmap(16, 8) as never],
    [
      'hides that it called',
      (hook, scene) => () => {
        try {
          scene().unmap(16, 8);
        } catch {
          // What the kernel says is swallowed, and the answer looks fine.
        }
        return GOOD[hook] as never;
      },
    ],
  ];
  const GOOD: Partial<Record<string, unknown>> = {
    decide: take('always'),
    beforeCopy: 'fresh',
    afterCopy: true,
    leaf: LEAF_NEXT,
  };

  for (const [way, breakIt] of ways) {
    test.each(hooks)(`${way} in %s: the call fails as for want of memory, naming policy and hook`, (hook) => {
      const self: { scene: Scene | null } = { scene: null };
      const change: Record<string, unknown> = { [hook]: breakIt(hook, () => self.scene as Scene) };
      if (hook === 'undo') change['leaf'] = () => 0;
      const scene = touched(relocating(change));
      self.scene = scene;
      const before = picture(scene);
      let thrown: unknown = null;
      try {
        scene.move(16, 8, 64);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(PolicyError);
      expect(thrown).toMatchObject({ policy: 'tester', hook });
      if (STAYS_DONE.includes(hook)) expect(scene.vmas()).toEqual(['64-72 rw-p @64 b']);
      else expect(picture(scene)).toEqual(before);
    });
  }

  test('a method called at the wrong moment is a broken policy too', () => {
    const scene = touched(relocating({ afterMove: (move) => move.restoreFolios() }));
    expect(() => scene.move(16, 8, 64)).toThrow('policy tester, hook afterMove: threw');
  });

  test('the begin and end events pair all the same', () => {
    const scene = touched(
      relocating({
        leaf: () => {
          throw new Error('broken');
        },
      }),
    );
    const types = scene.events(() => expect(() => scene.move(16, 8, 64)).toThrow(PolicyError)).map(({ type }) => type);
    expect(types.filter((type) => /begin|end/.test(type))).toEqual([
      'mremap.begin',
      'mremap.move-begin',
      'relocation.begin',
      'relocation.end',
      'mremap.move-end',
      'mremap.end',
    ]);
  });
});

describe('several policies', () => {
  const flagged = (name: string, flag: string, bit: number): MremapPolicy =>
    definePolicy({
      name,
      flags: [{ name: flag, bit, needsMayMove: false }],
      setup: () => ({ decide: () => pass('no') }),
    });

  test('are asked in their order until one takes the move', () => {
    const asked: string[] = [];
    const passing = (name: string): MremapPolicy =>
      definePolicy({ name, setup: () => ({ decide: () => (asked.push(name), pass('no')) }) });
    const taking = definePolicy({
      name: 'taker',
      setup: () => ({ decide: () => (asked.push('taker'), take('mine')) }),
    });
    const scene = new Scene({ policies: [passing('first'), taking, passing('last')] }).map(16, 8);
    scene.move(16, 8, 64);
    expect(asked).toEqual(['first', 'taker']);
  });

  test('one with flags is asked only when one of them is given', () => {
    const scene = new Scene({ policies: [flagged('polite', 'PLEASE', 32)] }).map(16, 8);
    const decisions = (flags: string[]): number =>
      scene.events(() => scene.move(16, 8, 64, flags)).filter(({ type }) => type === 'mremap.eligibility').length;
    expect(decisions([])).toBe(0);
    scene.move(64, 8, 16);
    expect(decisions(['PLEASE'])).toBe(1);
  });

  test('that claim the same flag are refused when the kernel is made, with both names', () => {
    for (const second of [flagged('second', 'MINE', 64), flagged('second', 'OTHER', 32)]) {
      expect(() => new Scene({ policies: [flagged('first', 'MINE', 32), second] })).toThrow(PolicyConflictError);
      expect(() => new Scene({ policies: [flagged('first', 'MINE', 32), second] })).toThrow(/first and second/);
    }
    expect(() => flagged('greedy', 'ALL', 4)).toThrow(/^flags/);
    expect(() => new Scene({ policies: [relocating(), relocating()] })).toThrow(PolicyConflictError);
  });

  test('extend each other through points; too many contributions are a conflict', () => {
    const point = defineExtensionPoint<string>('owner/greeting', 1);
    const got: string[] = [];
    const owner = definePolicy({
      name: 'owner',
      setup: (context) => {
        got.push(...context.extensions(point));
        return {};
      },
    });
    const guest = (name: string): MremapPolicy => definePolicy({ name, contributions: [point.of(name)] });
    const scene = new Scene({ policies: [owner, guest('one')] });
    expect(got).toEqual(['one']);
    expect(() => new PolicySet([guest('one'), guest('two')], scene.kernel.env)).toThrow(/one and two/);
  });
});
