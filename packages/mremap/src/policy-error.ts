import type { PolicyHooks } from './policy.js';

/** The name of a moment of {@link PolicyHooks}, or `setup`. */
export type HookName = keyof PolicyHooks | 'setup';

/**
 * A policy broke its contract: it threw, gave no valid answer, or called into the kernel. The call that it was part of
 * has been rolled back as if memory had run out at that moment. `cause` is what it threw, if it did.
 */
export class PolicyError extends Error {
  readonly policy: string;
  readonly hook: HookName;

  constructor(policy: string, hook: HookName, what: string, cause?: unknown) {
    super(`policy ${policy}, hook ${hook}: ${what}`, cause === undefined ? undefined : { cause });
    this.name = 'PolicyError';
    this.policy = policy;
    this.hook = hook;
  }
}

/** Two policies of one kernel claim the same thing. */
export class PolicyConflictError extends TypeError {
  readonly policies: readonly [string, string];

  constructor(first: string, second: string, what: string) {
    super(`policies ${first} and ${second} both claim ${what}`);
    this.name = 'PolicyConflictError';
    this.policies = [first, second];
  }
}
