import { MOST_ANTICIPATED } from '@vmakit/vma-merge';
import { ARENA_A as A0, PAGE, RW } from './machine.js';
import { ProtectedPages, type Workload, scaled, timed } from './workloads.js';

/*
 * W1 and W2 as a replay does them: calls are known before they are made, so the model is told of them in groups. The
 * calls are the same, in the same order.
 */

/** Calls `make` for each of `rounds` rounds, and `announce` with the number of those that follow before each group. */
function inGroups(rounds: number, announce: (count: number) => void, make: (at: number) => void): void {
  for (let done = 0; done < rounds; done += MOST_ANTICIPATED) {
    const count = Math.min(MOST_ANTICIPATED, rounds - done);
    announce(count);
    for (let at = 0; at < count; at++) make(at);
  }
}

/** W1. */
export function announcedChurn(count: number): Workload {
  return {
    name: `W1 announced n=${count}`,
    run(machine, scale) {
      const rounds = scaled(200_000, scale);
      for (let i = 0; i < count; i++) machine.map(A0 + 2 * i * PAGE, PAGE, RW);
      const { tree } = machine.process.mm;
      const pages = new Float64Array(MOST_ANTICIPATED);
      const announce = (calls: number): void => {
        for (let at = 0; at < calls; at++) pages[at] = A0 / PAGE + 2 * machine.random.below(count);
        tree.anticipate(pages, calls);
      };
      return timed(machine, 2 * rounds, () =>
        inGroups(rounds, announce, (at) => {
          const address = (pages[at] as number) * PAGE;
          machine.unmap(address, PAGE);
          machine.map(address, PAGE, RW);
        }),
      );
    },
  };
}

/** W2. */
export function announcedProtectChurn(count: number): Workload {
  return {
    name: `W2 announced n=${count}`,
    run(machine, scale) {
      const rounds = scaled(400_000, scale);
      const sites = new ProtectedPages(count);
      machine.map(A0, 4 * count * PAGE, RW);
      for (let i = 0; i < count; i += 2) machine.protect(sites.address(i), PAGE, sites.flip(i));
      const { tree } = machine.process.mm;
      const pages = new Float64Array(MOST_ANTICIPATED);
      const protections = new Int32Array(MOST_ANTICIPATED);
      const announce = (calls: number): void => {
        for (let at = 0; at < calls; at++) {
          const i = machine.random.below(count);
          pages[at] = sites.address(i) / PAGE;
          protections[at] = sites.flip(i);
        }
        tree.anticipate(pages, calls);
      };
      return timed(machine, rounds, () =>
        inGroups(rounds, announce, (at) =>
          machine.protect((pages[at] as number) * PAGE, PAGE, protections[at] as number),
        ),
      );
    },
  };
}
