/** Why the live kernel cannot be used here: one sentence that says what is missing. A value, not an exception. */
export class Unavailable {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}
