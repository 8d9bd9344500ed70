import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FaultInjector,
  INJECTION_POINTS,
  type InjectionPoint,
  MmError,
  VM_ACCOUNT,
  VM_LOCKED,
  isDataMapping,
} from '@vmakit/base';
import type { LockValidator } from '@vmakit/locking';
import { makeMm, picture, prot } from '../testing/mm-world.js';
import type { Mm } from '../mm.js';
import {
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_GUARD_INSTALL,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
} from './abi.js';
import { touch } from './access.js';
import { exitMm } from './exit.js';
import { forkMm } from './fork.js';
import { madvise } from './madvise.js';
import { mbind } from './mbind.js';
import { mlock, munlock } from './mlock.js';
import { mmap } from './mmap.js';
import { mprotect } from './mprotect.js';
import { munmap } from './munmap.js';

const FLAGS = [MAP_PRIVATE, MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE | MAP_NORESERVE, MAP_PRIVATE | MAP_LOCKED];
const ACCESS = ['rw-', 'r--', 'rwx', '---'];
const ADVICE = [MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTNEED, MADV_GUARD_INSTALL];

interface Step {
  readonly what: number;
  readonly start: number;
  readonly pages: number;
  readonly choice: number;
  /** Fails the `nth` time that it is reached in this step. */
  readonly point: InjectionPoint | null;
  readonly nth: number;
}

const STEP: fc.Arbitrary<Step> = fc.record({
  what: fc.nat(8),
  start: fc.integer({ min: 16, max: 63 }),
  pages: fc.integer({ min: 1, max: 16 }),
  choice: fc.nat(19),
  point: fc.option(fc.constantFrom(...INJECTION_POINTS), { freq: 3 }),
  nth: fc.integer({ min: 1, max: 4 }),
});

/** Counts down to the one failure of a step. */
class OneFailure implements FaultInjector {
  left = 0;
  point: InjectionPoint | null = null;

  fails(point: InjectionPoint): boolean {
    return point === this.point && --this.left === 0;
  }
}

function perform(mm: Mm, children: Mm[], { what, start, pages, choice }: Step): void {
  const flags = (FLAGS[choice % FLAGS.length] as number) | MAP_ANONYMOUS | MAP_FIXED;
  const access = prot(ACCESS[choice % ACCESS.length] as string);
  if (what === 0 || what === 1) mmap(mm, { start, pages, prot: access, flags });
  else if (what === 2) munmap(mm, start, pages);
  else if (what === 3) mprotect(mm, start, pages, access);
  else if (what === 4) madvise(mm, start, pages, ADVICE[choice % ADVICE.length] as number);
  else if (what === 5) mlock(mm, start, pages, choice & 1);
  else if (what === 6) munlock(mm, start, pages);
  else if (what === 7) mbind(mm, start, pages, choice & 1 ? { mode: 'bind', flags: 0, nodes: 1 } : null);
  else if (choice > 16) {
    const child = forkMm(mm);
    if (!(child instanceof MmError)) children.push(child);
  } else touch(mm, start, pages, { write: choice > 3 });
}

/** The totals as they are kept, and as the VMAs add up. */
function totals(mms: readonly Mm[]): [kept: number[], counted: number[]] {
  const kept: number[] = [];
  const counted: number[] = [];
  let accounted = 0;
  for (const mm of mms) {
    let [total, locked, data, count] = [0, 0, 0, 0];
    for (const { flags, pages } of mm.tree) {
      count++;
      total += pages;
      if ((flags & VM_LOCKED) !== 0) locked += pages;
      if (isDataMapping(flags)) data += pages;
      if ((flags & VM_ACCOUNT) !== 0) accounted += pages;
    }
    kept.push(mm.totalVm, mm.lockedVm, mm.dataVm, mm.mapCount);
    counted.push(total, locked, data, count);
  }
  kept.push(mms[0]?.env.committed ?? 0);
  counted.push(accounted);
  return [kept, counted];
}

describe('any calls, whatever fails in them', () => {
  it('keep the totals equal to what is mapped, give locks back, and leave nothing behind at exit', () => {
    fc.assert(
      fc.property(fc.array(STEP, { minLength: 10, maxLength: 60 }), (steps) => {
        const mm = makeMm();
        const { env } = mm;
        const children: Mm[] = [];
        const failure = new OneFailure();
        env.injector = failure;
        for (const step of steps) {
          failure.point = step.point;
          failure.left = step.nth;
          const mms = [mm, ...children];
          perform(mms[step.choice % mms.length] as Mm, children, step);
          const [kept, counted] = totals([mm, ...children]);
          expect(kept, picture(mm)).toEqual(counted);
          expect((env.locks as LockValidator).held()).toEqual([]);
        }
        for (const space of [mm, ...children]) exitMm(space);
        const tables = env.tablePool.live.reduce((sum, count) => sum + count, 0);
        expect([env.committed, env.anonVmas.liveCount, tables, mm.rssAnon]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 150 },
    );
  });
});
