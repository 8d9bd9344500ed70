/**
 * Thrown when something that must hold inside the model does not: a bug of the model or of a plugin, with the state.
 */
export class InvariantError extends Error {
  readonly state: unknown;

  constructor(message: string, state?: unknown) {
    super(message);
    this.name = 'InvariantError';
    this.state = state;
  }
}

/** Throws an {@link InvariantError} that says `what` must hold when `condition` does not. */
export function invariant(condition: boolean, what: string, state?: unknown): asserts condition {
  if (!condition) throw new InvariantError(what, state);
}
