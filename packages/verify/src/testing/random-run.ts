import { InvariantChecker, describeViolation } from '@vmakit/check';
import { LockValidator } from '@vmakit/locking';
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
  const header = headerFor(archName, sizes);
  const policies = [relocateAnon({ variant: 'corrected' }), largeFolio()];
  const machine = new ScenarioMachine({ header, steps: [] }, { policies, locks: new LockValidator() });
  const checker = new InvariantChecker(machine.kernel);
  const unit = sizes === 'huge' ? header.pmdPages / 8 : 4;
  const window = unit * 24;
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
  let wrong = step({ op: 'memfd', p: 0, fd: 0, len: window });
  for (let i = 0; i < draws.length && wrong === null; i++) {
    wrong = step(operationOf(draws[i] as Draw, machine.capture(), window, unit));
  }
  return wrong;
}
