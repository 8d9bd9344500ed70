import type { Violation } from '@vmakit/check';
import type { Operation, Outcome, ScenarioState, StateDifference } from '@vmakit/trace';

/** A difference, with the part of the specification that governs it. */
export interface StepDifference extends StateDifference {
  readonly rule: string;
}

/** The first operation of a scenario after which model and recording differ, with both pictures. */
export interface Failure {
  readonly kind: 'difference' | 'violation' | 'error' | 'word' | 'injection';
  /** Index of the operation in its scenario, from 0. */
  readonly step: number;
  /** Its line in the file. */
  readonly line: number;
  readonly operation: Operation | null;
  /** The first difference of each part, the most telling first; of a violation or an error, what it says. */
  readonly differences: readonly StepDifference[];
  readonly violations: readonly Violation[];
  readonly expected: { readonly outcome: Outcome; readonly state: ScenarioState } | null;
  readonly actual: { readonly outcome: Outcome; readonly state: ScenarioState } | null;
  readonly before: ScenarioState | null;
}

/** What came of one scenario. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly file: string;
  readonly line: number;
  readonly operations: number;
  readonly failure: Failure | null;
  /** Invariants that the recorded kernel itself breaks here (defects that the header's `repairs` leave in). */
  readonly knownViolations: readonly string[];
}
