export { adviceNumber, mapFlags, mremapFlags, protectionBits } from './abi-flags.js';
export { Arena } from './addresses.js';
export { capturePages } from './capture-pages.js';
export { StateCapture, type Window } from './capture-state.js';
export { captureWords } from './capture-words.js';
export { type MachineOptions, ScenarioMachine, archNameFor, recordedPolicies } from './machine.js';
export { type Performed, perform } from './perform.js';
export type { Failure, ScenarioReport, StepDifference } from './report.js';
export { type EffectOptions, relocationEffects } from './relocation-effect.js';
export { retarget } from './retarget.js';
export type { Circumstance } from './inject/circumstances.js';
export { type BugReport, type BugSearch, type BugSighting, findBugs } from './inject/find-bugs.js';
export {
  type Injection,
  type InjectionFinding,
  type InjectionReport,
  injectScenario,
  tryInjection,
} from './inject/inject-scenario.js';
export { type InjectionTotals, addInjections } from './inject/injection-totals.js';
export { KNOWN_BUGS, KNOWN_BUG_SCENARIOS, type KnownBug, bugsOf, readKnownBugScenarios } from './inject/known-bugs.js';
export { ruleFor } from './rules.js';
export { type RunOptions, runScenario } from './run-scenario.js';
export { StateNames } from './state-names.js';
export { type FailureReport, type VerifyReport, type VerifyRequest, verifyFile, wholeFile } from './verify-file.js';
export { defaultJobs, verifyFiles } from './verify-files.js';
export { verifyWord } from './verify-word.js';
