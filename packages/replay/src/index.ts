export { type CompareRequest, type ComparedRun, type Comparison, compareRecording } from './compare.js';
export type { Divergence, LayoutCheck } from './divergence.js';
export { useHugePages } from './huge-pages.js';
export type { LayoutDifference, LayoutLine } from './layout.js';
export { type JobOutcome, type ReplayJob, runJob } from './job.js';
export { type ChosenProfile, kernelFor, profileForRelease, settingsFrom } from './kernel-for.js';
export type { KernelObjects } from './objects.js';
export type { ReplayInput } from './open-recording.js';
export type { Assumption, ReplayOptions } from './options.js';
export { PICTURE_KINDS, type PictureKind, type ProcessPicture } from './picture.js';
export { type NamedPolicies, POLICY_NAMES, policiesByName } from './policies.js';
export type { PolicyActivity, PolicyVerdict } from './policy-watch.js';
export { type ReplayRequest, replayRecording, replayUnder } from './replay-recording.js';
export { Replayer } from './replayer.js';
export type {
  MergeSummary,
  PicturedResult,
  ProcessSummary,
  RecordingSummary,
  ReplayResult,
  TableMoves,
} from './result.js';
export { summarize } from './result.js';
export { type JobProgress, defaultWorkers, runJobs } from './run-jobs.js';
export type { Snapshot, SnapshotKind } from './snapshots.js';
export type { CheckCount } from './statistics.js';
export type { TimelinePoint } from './timeline.js';
export type { MergeValue, UnmergedGroup, UnmergedPair, UnmergedValues } from './unmerged.js';
export { tuneEngine } from './tune-engine.js';
