import { fileURLToPath } from 'node:url';
import { exitCodeOf } from '../exit-codes.js';
import { createProgram } from '../program.js';

/** The root of the repository. */
export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url));

/** What a command line printed and how it ended. */
export interface CommandOutcome {
  /** Standard output, without colours. */
  readonly out: string;
  /** Standard error. */
  readonly complaint: string;
  readonly code: number;
}

/** Runs the command line in this process, as the program does. */
export async function vmakit(...args: string[]): Promise<CommandOutcome> {
  let out = '';
  let complaint = '';
  const restore = [
    listen(process.stdout, (text) => (out += text)),
    listen(process.stderr, (text) => (complaint += text)),
  ];
  const codeBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    const code = await exitCodeOf(
      () => createProgram().parseAsync(args, { from: 'user' }),
      (text) => (complaint += text),
    );
    const set = process.exitCode as number | string | undefined;
    return { out: withoutColours(out), complaint, code: code ?? Number(set ?? 0) };
  } finally {
    process.exitCode = codeBefore;
    for (const undo of restore) undo();
  }
}

/** Takes what is written to `stream` in its place; the returned function ends that. */
function listen(stream: NodeJS.WriteStream, take: (text: string) => void): () => void {
  const { write } = stream;
  stream.write = (text: string | Uint8Array): boolean => {
    take(String(text));
    return true;
  };
  return () => (stream.write = write);
}

function withoutColours(text: string): string {
  return text.replaceAll(/\u001b\[\d+m/g, '');
}
