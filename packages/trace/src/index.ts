export type {
  ArchPrctlArgs,
  BrkArgs,
  CloneArgs,
  ExecArgs,
  ExitArgs,
  FileArgs,
  FlagsArgs,
  IoDestroyArgs,
  IoSetupArgs,
  MadviseArgs,
  MbindArgs,
  MemfdCreateArgs,
  MmapArgs,
  MprotectArgs,
  MremapArgs,
  NoArgs,
  OtherArgs,
  PersonalityArgs,
  PkeyMprotectArgs,
  PrctlArgs,
  ProcessMadviseArgs,
  ProcessVmArgs,
  RangeArgs,
  RangeFlagsArgs,
  RemapFilePagesArgs,
  ShmatArgs,
  ShmctlArgs,
  ShmdtArgs,
  ShmgetArgs,
  SyscallArgs,
  SyscallName,
} from './syscall-args.js';
export type {
  BirthEvent,
  CommEvent,
  ExecEvent,
  ExitEvent,
  ForkRecordEvent,
  LostEvent,
  Mmap2Event,
  NewTaskEvent,
  PageFaultEvent,
  RecordedEvent,
  RecordedEventKind,
  SignalEvent,
  SupersededEvent,
  SyscallEvent,
  SyscallEventOf,
  SyscallStartEvent,
  WordSizeEvent,
} from './events.js';
export type {
  Diagnostic,
  Recording,
  RecordingClock,
  RecordingFormat,
  RecordingOptions,
  RecordingReport,
} from './recording.js';
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
export {
  ADVICE_NAMES,
  type AdviceName,
  type ClearRefsOperation,
  type ExitOperation,
  type FailMoveOperation,
  type FailRelocOperation,
  type ForkOperation,
  type KsmScanOperation,
  type MadviseOperation,
  MAP_FLAG_NAMES,
  type MapFlagName,
  type MapLimitOperation,
  type MemfdOperation,
  type MlockOperation,
  type MmapOperation,
  type MprotectOperation,
  MREMAP_FLAG_NAMES,
  type MremapFlagName,
  type MremapOperation,
  type MsealOperation,
  type MunlockOperation,
  type MunmapOperation,
  type Operation,
  type OperationName,
  type PinOperation,
  type ProtectionText,
  RLIMIT_NAMES,
  type RlimitName,
  type RlimitOperation,
  type TouchOperation,
  UFFD_MODES,
  type UffdMode,
  type UffdOperation,
  type UffdPoisonOperation,
  type UffdWpOperation,
  type UnpinOperation,
  type WordsOperation,
} from './scenario/operation.js';
export { OPERATION_NAMES } from './scenario/parse-operation.js';
export { type GoldenRecord, type ReadOptions, readGoldenRecords, readScenarios } from './scenario/reader.js';
export {
  type Outcome,
  type RecordedStep,
  type RelocationTrace,
  REPAIR_NAMES,
  type RepairName,
  type ReturnValue,
  type Scenario,
  SCENARIO_FORMAT,
  type ScenarioHeader,
  type ScenarioStep,
  type ThpSettings,
  TRACE_NAMES,
  type TraceName,
  WORD_LEVELS,
  type WordLevel,
  type WordRow,
} from './scenario/scenario.js';
export {
  type AnonVmaRow,
  type AnonymousVmaRow,
  type BarePageRow,
  compressState,
  ENTRY_KINDS,
  type EntryKind,
  expandState,
  type FileVmaRow,
  type FolioPageRow,
  INITIAL_STATE,
  isFolioRow,
  type MmRow,
  type PageRow,
  type ProcessState,
  type RecordedProcess,
  type RecordedState,
  type ScenarioState,
  type VmaRow,
} from './scenario/state.js';
export { type WordFacts, type WordRecord } from './scenario/word-record.js';
export { headerToJson, operationToJson, outcomeToJson, scenarioToLines } from './scenario/writer.js';
