export type * from './syscall-args.js';
export type * from './events.js';
export type * from './recording.js';

export { type Amount, type ByteAmount, type RawAmount, amountToJson, parseAmount, scaleAmount } from './scenario/amount.js';
export { compareResults, compareTraces } from './scenario/compare-outcomes.js';
export { type CompareOptions, compareStates } from './scenario/compare-states.js';
export type { StateDifference } from './scenario/difference.js';
export { ScenarioFormatError } from './scenario/format-error.js';
export { IdRenaming, StateRenaming } from './scenario/id-renaming.js';
export * from './scenario/operation.js';
export { OPERATION_NAMES } from './scenario/parse-operation.js';
export { type GoldenRecord, type ReadOptions, readGoldenRecords, readScenarios } from './scenario/reader.js';
export * from './scenario/scenario.js';
export * from './scenario/state.js';
export { type WordFacts, type WordRecord } from './scenario/word-record.js';
export { headerToJson, operationToJson, outcomeToJson, scenarioToLines } from './scenario/writer.js';
