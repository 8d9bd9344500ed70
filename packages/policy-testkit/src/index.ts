export {
  type CheckPolicyOptions,
  POLICY_CHECKS,
  type PolicyCheck,
  type PolicyFinding,
  type PolicyReport,
  checkPolicy,
  describeFindings,
} from './check-policy.js';
export { explainEventOrder } from './event-order.js';
export { type MapOptions, Scene, type SceneOptions } from './scene.js';
export { SITUATIONS, type Situation, type SituationCall } from './situations.js';
export { type MemoryPicture, type Trial, type TrialOptions, firstDifference, picture, play } from './trial.js';
