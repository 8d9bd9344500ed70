import type { Readable } from 'node:stream';
import { type SourcePlace, formatError } from './format-error.js';
import { type JsonObject } from './json-fields.js';
import { readJsonLines } from './json-lines.js';
import { parseHeader } from './parse-header.js';
import { parseOperation } from './parse-operation.js';
import { parseOutcome } from './parse-outcome.js';
import { parseState } from './parse-state.js';
import type { Scenario, ScenarioHeader, ScenarioStep } from './scenario.js';
import { INITIAL_STATE, type ScenarioState, expandState } from './state.js';
import { type WordRecord, parseWordRecord } from './word-record.js';

/** What a golden file can hold: scenarios, or single page-table words. */
export type GoldenRecord =
  { readonly kind: 'scenario'; readonly scenario: Scenario } | { readonly kind: 'word'; readonly word: WordRecord };

export interface ReadOptions {
  /** Read from here instead of opening the file; the name is then for messages only. */
  readonly input?: Readable;
  /**
   * Whether operations without results are taken: scenarios that have been written but not recorded. Otherwise each
   * operation must have `ret` or `err`, and `state`.
   */
  readonly unrecorded?: boolean;
}

/**
 * Reads a golden file, plain or gzip, scenario by scenario; only one scenario is in memory at a time.
 *
 * @throws ScenarioFormatError with file, line and what was expected, at the first thing that is not as FORMAT.md says
 */
export async function* readGoldenRecords(file: string, options: ReadOptions = {}): AsyncGenerator<GoldenRecord> {
  let builder: ScenarioBuilder | null = null;
  let empty = true;
  for await (const { line, object } of readJsonLines(file, options.input)) {
    empty = false;
    const place = { file, line };
    if (object['format'] !== undefined) {
      if (builder !== null) yield { kind: 'scenario', scenario: builder.finish() };
      builder = new ScenarioBuilder(parseHeader(object, place), place, options.unrecorded ?? false);
    } else if (object['word'] !== undefined && object['op'] === undefined) {
      if (builder !== null) yield { kind: 'scenario', scenario: builder.finish() };
      builder = null;
      yield { kind: 'word', word: parseWordRecord(object, place) };
    } else if (builder === null) {
      throw formatError(place, 'expected a header line with "format", or a word with "word"');
    } else {
      builder.add(object, place);
    }
  }
  if (builder !== null) yield { kind: 'scenario', scenario: builder.finish() };
  if (empty) throw formatError({ file, line: 0 }, 'expected scenarios, the file is empty');
}

/** Reads a file of scenarios; a file of single words is refused. */
export async function* readScenarios(file: string, options: ReadOptions = {}): AsyncGenerator<Scenario> {
  for await (const record of readGoldenRecords(file, options)) {
    if (record.kind === 'word') {
      throw formatError(record.word, 'expected a scenario, found a single page-table word');
    }
    yield record.scenario;
  }
}

/** Collects the lines of one scenario and expands "same". */
class ScenarioBuilder {
  readonly #header: ScenarioHeader;
  readonly #place: SourcePlace;
  readonly #unrecorded: boolean;
  readonly #steps: ScenarioStep[] = [];
  #state: ScenarioState = INITIAL_STATE;

  constructor(header: ScenarioHeader, place: SourcePlace, unrecorded: boolean) {
    this.#header = header;
    this.#place = place;
    this.#unrecorded = unrecorded;
  }

  add(object: JsonObject, place: SourcePlace): void {
    const operation = parseOperation(object, place);
    const outcome = parseOutcome(object, operation.op, place);
    if (outcome === null && !this.#unrecorded) {
      throw formatError(place, `${operation.op}: "ret" is missing, expected "ret" or "err"`);
    }
    const given = object['state'];
    if (given === undefined && (outcome !== null || !this.#unrecorded)) {
      throw formatError(place, `${operation.op}: "state" is missing, expected "same" or an object`);
    }
    const state = given === undefined ? null : this.#expand(given, place);
    const stateUnchanged = given === 'same';
    this.#steps.push({ line: place.line, operation, outcome, state, stateUnchanged });
  }

  finish(): Scenario {
    return { file: this.#place.file, line: this.#place.line, header: this.#header, steps: this.#steps };
  }

  #expand(given: unknown, place: SourcePlace): ScenarioState {
    const recorded = parseState(given, this.#header.recorder === 'basic', place);
    const state = expandState(this.#state, recorded);
    if (state === undefined) {
      throw formatError(place, '"procs": a process is "same", but no earlier state has it');
    }
    this.#state = state;
    return state;
  }
}
