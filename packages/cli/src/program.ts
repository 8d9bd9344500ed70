import { readFileSync } from 'node:fs';
import { Command } from 'commander';

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

/** The command line of `vmakit`, ready to parse arguments. */
export function createProgram(): Command {
  return new Command('vmakit')
    .description('Replays and explains the Linux anonymous-memory machinery around mremap()')
    .version(ownVersion())
    .showHelpAfterError('(vmakit --help lists the commands)')
    .configureOutput({ outputError: (text, write) => write(text) });
}
