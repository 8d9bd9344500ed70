import { isDeepStrictEqual } from 'node:util';
import { InvariantChecker, describeViolation } from '@vmakit/check';
import { type LockTracker, LockValidator } from '@vmakit/locking';
import { archByName } from '@vmakit/pagetable';
import { largeFolio } from '@vmakit/policy-large-folio';
import { relocateAnon } from '@vmakit/policy-relocate-anon';
import { type Operation, type ScenarioHeader, type ThpSettings, operationToJson } from '@vmakit/trace';
import { ScenarioMachine } from '../machine.js';
import { perform } from '../perform.js';
import { type Draw, operationOf } from './random-operations.js';

/** Settings for transparent huge pages: none, folios of 4 pages, of 4 and 16, and huge pages. */
export const PAGE_SIZES = ['small', 'large', 'larger', 'huge'] as const;
export type PageSizes = (typeof PAGE_SIZES)[number];

function thpFor(sizes: PageSizes, pageSize: number): ThpSettings {
  const kib = pageSize / 1024;
  if (sizes === 'small') return { enabled: 'never', sizes: new Map() };
  if (sizes === 'large') return { enabled: 'always', sizes: new Map([[4 * kib, 'always']]) };
  if (sizes === 'larger')
    return {
      enabled: 'always',
      sizes: new Map([
        [4 * kib, 'always'],
        [16 * kib, 'always'],
      ]),
    };
  return { enabled: 'always', sizes: new Map() };
}

function headerFor(archName: string, sizes: PageSizes): ScenarioHeader {
  const { pageSize, pmdPages, levels, name } = archByName(archName);
  return {
    name: 'random',
    group: 'random',
    about: '',
    seed: null,
    thp: thpFor(sizes, pageSize),
    repairs: ['pinned', 'shared', 'partialLargeFolio', 'swap', 'undoAfterMove'],
    injected: false,
    inconsistent: null,
    kernel: '',
    arch: name.startsWith('arm64') ? 'aarch64' : 'x86_64',
    pageSize,
    pmdPages,
    pagesScaled: 1,
    levels: levels.length,
    arena: { start: 0x100000000000n, pages: 8 * pmdPages },
    recorder: 'full',
  };
}

/**
 * Does what the draws amount to, one after the other, and checks every invariant, every lock and the contract of mremap
 * after each.
 *
 * @returns what is wrong, with all operations that led there; `null`: nothing
 */
export function runRandom(archName: string, sizes: PageSizes, draws: readonly Draw[]): string | null {
  const machine = makeMachine(archName, sizes, new LockValidator());
  const checker = new InvariantChecker(machine.kernel);
  const story: Operation[] = [];
  const tell = (what: readonly string[]): string => {
    return [...story.map((operation) => JSON.stringify(operationToJson(operation))), ...what].join('\n');
  };
  const step = (operation: Operation): string | null => {
    story.push(operation);
    try {
      const { violations } = perform(machine, operation, true);
      const found = [...violations, ...checker.check(operation.op)];
      return found.length === 0 ? null : tell(found.map(describeViolation));
    } catch (error) {
      return tell([error instanceof Error ? (error.stack ?? error.message) : String(error)]);
    }
  };
  return firstWrong(machine, sizes, draws, step);
}

/**
 * Does the same on two machines, to one of which somebody listens, so that it does in steps what the other one does at
 * once.
 *
 * @returns every operation up to the first that did not leave both in the same state, and both states; `null`: all did
 */
export function runListenedTo(archName: string, sizes: PageSizes, draws: readonly Draw[]): object | null {
  const [silent, heard] = [makeMachine(archName, sizes), makeMachine(archName, sizes)];
  heard.kernel.bus.listen(() => undefined);
  const story: Operation[] = [];
  const differAfter = (operation: Operation): object | null => {
    story.push(operation);
    const states = [silent, heard].map((machine) => {
      const { outcome } = perform(machine, operation, false);
      const { mergeCounters, committed } = machine.kernel.env;
      const counts = [...machine.processes.values()].map(({ mm }) => [
        mm.mapCount,
        mm.execVm,
        mm.stackVm,
        mm.hiwaterVm,
      ]);
      return { outcome, state: machine.capture(), merges: { ...mergeCounters }, committed, counts };
    });
    return isDeepStrictEqual(states[0], states[1]) ? null : { story, states };
  };
  return firstWrong(silent, sizes, draws, differAfter);
}

/**
 * Takes the steps that the draws amount to, aimed at what `machine` has then, up to the first that gives something:
 * gives that.
 */
function firstWrong<Wrong>(
  machine: ScenarioMachine,
  sizes: PageSizes,
  draws: readonly Draw[],
  step: (operation: Operation) => Wrong | null,
): Wrong | null {
  const unit = sizes === 'huge' ? machine.kernel.env.arch.pmdPages / 8 : 4;
  const window = unit * 24;
  let wrong = step({ op: 'memfd', p: 0, fd: 0, len: window });
  for (let i = 0; i < draws.length && wrong === null; i++) {
    wrong = step(operationOf(draws[i] as Draw, machine.capture(), window, unit));
  }
  return wrong;
}

function makeMachine(archName: string, sizes: PageSizes, locks?: LockTracker): ScenarioMachine {
  const policies = [relocateAnon({ variant: 'corrected' }), largeFolio()];
  const scenario = { header: headerFor(archName, sizes), steps: [] };
  return new ScenarioMachine(scenario, locks === undefined ? { policies } : { policies, locks });
}
