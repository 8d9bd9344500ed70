import { CommanderError } from 'commander';

/** Done, and all checks hold. */
export const EXIT_OK = 0;
/** Done, and something does not hold: a difference, a divergence. */
export const EXIT_FAILED = 1;
/** Not done: bad usage or input that cannot be read. */
export const EXIT_UNUSABLE = 2;

/** A mistake of the user: said in one sentence, with {@link EXIT_UNUSABLE}. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Errors that are about the input, whatever package they come from: their message is all that a user needs. */
const INPUT_ERRORS: ReadonlySet<string> = new Set([
  'UsageError',
  'TraceInputError',
  'ScenarioFormatError',
  'RecordingError',
  'PolicyConflictError',
]);

/**
 * Runs `parse` (commander's `parseAsync`) and turns what it throws into an exit code: help and version are no failure,
 * wrong usage and unreadable input are {@link EXIT_UNUSABLE}.
 *
 * @param complain gets the one sentence for the user
 * @returns the exit code, or `null` to leave the one that the command has set
 * @throws anything that is a defect of the program itself
 */
export async function exitCodeOf(
  parse: () => Promise<unknown>,
  complain: (text: string) => void,
): Promise<number | null> {
  try {
    await parse();
    return null;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_UNUSABLE;
    if (!(error instanceof Error) || !INPUT_ERRORS.has(error.name)) throw error;
    complain(`vmakit: ${error.message}`);
    return EXIT_UNUSABLE;
  }
}
