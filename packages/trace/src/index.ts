export type * from './syscall-args.js';
export type * from './events.js';
export type * from './recording.js';
export { openRecording, readRecording } from './source/open.js';
export type { RecordingInput } from './source/open.js';
export { parseRecording } from './source/parse.js';
export type { ParsedRecording } from './source/parse.js';
export { TraceInputError } from './source/input-error.js';
export type { MapsEntry, SmapsDetail } from './maps/entry.js';
export { anonymousBytes, smapsValue } from './maps/entry.js';
export { parseMaps } from './maps/parse-maps.js';
export { readMaps } from './maps/read-maps.js';
export { formatMaps, formatMapsEntry, formatSmaps, permissions } from './maps/format-maps.js';
export type { Snapshot, TraceFolder } from './folder/trace-folder.js';
export { openTraceFolder } from './folder/trace-folder.js';
export type { SnapshotKind, SnapshotMeta, TraceCounts, TraceMeta, TraceSettings } from './folder/meta.js';
export { errnoName } from './abi/errno-names.js';

export {
  type Amount,
  type ByteAmount,
  type RawAmount,
  amountToJson,
  parseAmount,
  scaleAmount,
} from './scenario/amount.js';
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
