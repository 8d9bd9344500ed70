import type { Kernel } from '@vmakit/kernel';
import { checkAccounting } from './invariants/accounting.js';
import { checkAnonVmas } from './invariants/anon-vmas.js';
import { Census } from './invariants/census.js';
import { checkEntries } from './invariants/entries.js';
import { checkFolios } from './invariants/folios.js';
import { History } from './invariants/history.js';
import { checkLocks } from './invariants/locks.js';
import { type Subject, addressSpaces } from './invariants/subject.js';
import { checkPool } from './invariants/tables.js';
import { checkVmas } from './invariants/vmas.js';
import { type Violation, ViolationList } from './violation.js';

/**
 * Checks the invariants of spec 09 that hold between operations: S1 to S7. One for each kernel; call
 * {@link InvariantChecker.check} after every operation, since some invariants compare with the state before (a sealed
 * mapping stays, a limit is not passed by growing).
 *
 * @example
 * const checker = new InvariantChecker(kernel);
 * process.munmap(0x10000000, 4096);
 * for (const violation of checker.check('munmap')) console.log(describeViolation(violation));
 */
export class InvariantChecker {
  readonly #kernel: Kernel;
  readonly #census = new Census();
  readonly #history = new History();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Takes the state as it is for the one before the next operation, without a check. */
  remember(): void {
    this.#history.remember(addressSpaces(this.#kernel));
  }

  /**
   * The invariants that do not hold now; empty when all do.
   *
   * @param operation what was done last, for the violations to name
   */
  check(operation: string | null = null): Violation[] {
    const found = inspect(this.#kernel, operation, this.#census, this.#history);
    this.remember();
    return found;
  }
}

/** Checks once: all but the invariants that compare with the state before an operation. */
export function checkInvariants(kernel: Kernel, operation: string | null = null): Violation[] {
  return inspect(kernel, operation, new Census(), null);
}

function inspect(kernel: Kernel, operation: string | null, census: Census, history: History | null): Violation[] {
  const violations = new ViolationList(operation);
  const { env } = kernel;
  const subject: Subject = { kernel, env, mms: addressSpaces(kernel), census, violations };
  census.reset(env.memory);
  checkVmas(subject, history);
  checkAnonVmas(subject);
  checkEntries(subject);
  checkFolios(subject);
  checkPool(env, subject.mms, violations);
  checkAccounting(subject, history);
  checkLocks(subject);
  return violations.found;
}
