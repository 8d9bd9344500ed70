/**
 * Input that cannot be read at all. The message is one sentence for the person who gave it, with the name of the
 * input and, where it is known, the line.
 */
export class TraceInputError extends Error {
  /** Name of the input as given. */
  readonly file: string;
  /** Line at which reading stopped, or null. */
  readonly line: number | null;

  constructor(file: string, problem: string, line: number | null = null) {
    super(`${file}: ${problem}`);
    this.name = 'TraceInputError';
    this.file = file;
    this.line = line;
  }
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the file cannot be read (input/output error)',
};

/** The error that a failed file operation or decompression stands for; anything else is returned as it is. */
export function asInputError(file: string, error: unknown, line: number | null = null): unknown {
  if (error instanceof TraceInputError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  if (code === 'Z_BUF_ERROR') {
    const where = line === null ? '' : ` (after line ${line})`;
    return new TraceInputError(file, `the gzip data ends too early${where}: the file was cut off`, line);
  }
  if (code.startsWith('Z_')) return new TraceInputError(file, 'the gzip data is damaged', line);
  const problem = FILE_PROBLEMS[code];
  return problem === undefined ? error : new TraceInputError(file, problem, line);
}
