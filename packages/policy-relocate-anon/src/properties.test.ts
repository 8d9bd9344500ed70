import { checkInvariants, describeViolation } from '@vmakit/check';
import { MADV_DONTNEED, MADV_PAGEOUT } from '@vmakit/mm';
import type { MremapPolicy } from '@vmakit/mremap';
import { largeFolio } from '@vmakit/policy-large-folio';
import { Scene } from '@vmakit/policy-testkit';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { relocateAnon } from './index.js';

/** One step of a random life: pages of a window of 160. */
type Step =
  | readonly ['map' | 'unmap' | 'write' | 'read' | 'drop' | 'pageout' | 'readonly' | 'writable', number, number]
  | readonly ['fork']
  | readonly ['move', number, number, number, readonly string[]];

const WINDOW = 160;
const page = fc.integer({ min: 0, max: WINDOW - 24 });
const pages = fc.integer({ min: 1, max: 24 });
const flags = fc.constantFrom<readonly string[]>(
  [],
  ['RELOCATE_ANON'],
  ['RELOCATE_ANON'],
  ['MUST_RELOCATE_ANON'],
  ['RELOCATE_ANON', 'DONTUNMAP'],
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('map' as const), page, pages) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('unmap' as const), page, pages) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('write' as const), page, pages) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('read', 'drop', 'pageout', 'readonly', 'writable' as const), page, pages),
  },
  { weight: 1, arbitrary: fc.constant(['fork'] as const) },
  { weight: 8, arbitrary: fc.tuple(fc.constant('move' as const), page, pages, page, flags) },
);

/** A life in one kernel. Calls that the kernel refuses are part of it. */
class Life {
  readonly scene: Scene;
  readonly #withFlags: boolean;

  constructor(policies: readonly MremapPolicy[], checksLocks: boolean, thp: boolean) {
    this.#withFlags = policies.length > 0;
    this.scene = new Scene({ policies, checksLocks, ...(thp ? { thp: { enabled: 'always', orders: [2, 4] } } : {}) });
  }

  /** Does one step; gives the result of a move. `value`: what is written. */
  do(now: Step, value: number): number | string | null {
    if (now[0] === 'fork') {
      this.scene.fork();
      return null;
    }
    const [what, at, count] = now;
    if (what === 'move') {
      const [, , , to, given] = now;
      return this.scene.move(at, count, to, this.#withFlags ? given : given.filter((flag) => flag === 'DONTUNMAP'));
    }
    try {
      this.#simple(what, at, count, value);
    } catch {
      // A hole in the range, or no right to write: as far as it went.
    }
    return null;
  }

  #simple(what: Exclude<Step[0], 'fork' | 'move'>, at: number, count: number, value: number): void {
    const { scene } = this;
    if (what === 'map') scene.map(at, count);
    else if (what === 'unmap') scene.unmap(at, count);
    else if (what === 'write') scene.write(at, count, value);
    else if (what === 'read') scene.read(at, count);
    else if (what === 'drop') scene.advise(at, count, MADV_DONTNEED);
    else if (what === 'pageout') scene.advise(at, count, MADV_PAGEOUT);
    else scene.protect(at, count, what === 'readonly' ? 'r' : 'rw');
  }

  /** What the first process sees: rights and contents, mapped or not. */
  seen(): string[] {
    const { scene } = this;
    const mapped = new Map<number, string>();
    for (const line of scene.vmas()) {
      const [range = '', rights = ''] = line.split(' ');
      const [start = 0, end = 0] = range.split('-').map(Number);
      for (let at = start; at < end; at++) mapped.set(at, rights);
    }
    const values = scene.contents(0, WINDOW + 24);
    return values.map((value, at) => `${mapped.get(at) ?? '-'} ${value ?? 0}`);
  }

  /** Everything of the first process that can be seen from inside. */
  inside(): unknown {
    return [this.scene.vmas(), this.scene.pages(0, WINDOW + 24), this.scene.kernel.policies.counters.read()];
  }
}

const policies = (): MremapPolicy[] => [relocateAnon(), largeFolio()];

test.each([
  ['single pages', false],
  ['large folios', true],
])(
  'lives with relocation are consistent, and seen from outside like those without: %s',
  (_name, thp) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 40 }), (steps) => {
        // One kernel takes folios one by one, under the eyes of the lock validator, one in runs; one knows no
        // relocation.
        const byOne = new Life(policies(), true, thp);
        const inRuns = new Life(policies(), false, thp);
        const stock = new Life([], false, thp);
        steps.forEach((now, at) => {
          const value = 1 + (at % 250);
          const result = inRuns.do(now, value);
          expect(byOne.do(now, value)).toBe(result);
          expect(byOne.inside()).toEqual(inRuns.inside());
          const broken = checkInvariants(byOne.scene.kernel).map(describeViolation);
          expect(broken).toEqual([]);
          const without = stock.do(now, value);
          // MUST may refuse where an ordinary move succeeds; the two lives part there.
          if (result === 'EFAULT' && without !== 'EFAULT') fc.pre(false);
          expect(without).toBe(result);
          expect(inRuns.seen()).toEqual(stock.seen());
        });
      }),
      { numRuns: 60 },
    );
  },
  120_000,
);
