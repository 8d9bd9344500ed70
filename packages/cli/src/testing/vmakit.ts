import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
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
  const streams = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      complaint += String(text);
      return true;
    }),
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
    for (const stream of streams) stream.mockRestore();
  }
}

function withoutColours(text: string): string {
  // oxlint-disable-next-line no-control-regex -- colours are control characters
  return text.replaceAll(/\u001b\[\d+m/g, '');
}
