export type { Difference, ProgramResult } from './compare/compare-recording.js';
export { Differential } from './compare/differential.js';
export type { LiveModel } from './compare/model-settings.js';
export type { ProgramPlan } from './compare/program-plan.js';
export type { Mismatch } from './compare/state-comparer.js';
export { FAST, THOROUGH, type Thoroughness } from './compare/want.js';
export { cacheFolder } from './driver/helper-build.js';
export { LiveDriver, type LiveDriverOptions, type ProgramRecording } from './driver/live-driver.js';
export { OMISSION_RULES, type OmissionRule } from './driver/omission.js';
export type { Greeting } from './driver/protocol.js';
export { type CampaignOptions, type CampaignReport, type Finding, type Noise, runCampaign } from './fuzz/campaign.js';
export type { Coverage } from './fuzz/coverage.js';
export { LiveKernel, type LiveKernelOptions, openLiveKernel } from './live-kernel.js';
export { type KernelRelease, type ProfileChoice, chooseProfile, parseRelease } from './machine/kernel-release.js';
export { type MachineSettings, readMachineSettings } from './machine/settings.js';
export { type GeneratedProgram, ProgramGenerator } from './program/generator.js';
export { MIXES, type Mix } from './program/mix.js';
export { type Shrunk, type StillShows, shrink } from './program/shrink.js';
export { type LiveTrace, makeScenario, recordLive, recordModel } from './record.js';
export { type LiveRecording, compareWithRecording, readLiveRecordings, recordingToLines } from './recording-file.js';
export { toCProgram } from './report/c-program.js';
export {
  type FindingFiles,
  type FindingReport,
  describeFinding,
  operationLine,
  writeFinding,
} from './report/describe-finding.js';
export { PICTURE_LEGEND, drawBeside } from './report/picture.js';
export { type Snapshot, type SnapshotVma, readSnapshot } from './snapshot/read-snapshot.js';
export { type Separation, type UnmergedPair, findUnmergedPairs } from './snapshot/unmerged.js';
export type { VisibleMapping, VisiblePage, VisibleProcess } from './state/visible-state.js';
export { Unavailable } from './unavailable.js';
export { type ScenarioResult, recordScenario, verifyScenario } from './verify-scenario.js';
