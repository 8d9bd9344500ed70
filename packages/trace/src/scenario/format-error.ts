/**
 * Thrown when a scenario file (or a file of words) is not what FORMAT.md says: which file, which line, what was
 * expected there. The message is one sentence for a person; there is nothing in the stack that would help them.
 */
export class ScenarioFormatError extends Error {
  /** Name of the file as the caller gave it. */
  readonly file: string;
  /** Line number from 1; 0 when the file as a whole is meant. */
  readonly line: number;
  /** What was expected, in words. */
  readonly expected: string;

  constructor(file: string, line: number, expected: string) {
    super(line > 0 ? `${file}:${line}: ${expected}` : `${file}: ${expected}`);
    this.name = 'ScenarioFormatError';
    this.file = file;
    this.line = line;
    this.expected = expected;
  }
}

/** Where in a file a value stands; every check takes one, so that its complaint can say so. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

/** Refuses the line at `place`. */
export function formatError(place: SourcePlace, expected: string): ScenarioFormatError {
  return new ScenarioFormatError(place.file, place.line, expected);
}
