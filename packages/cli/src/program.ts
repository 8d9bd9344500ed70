import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { commands } from './commands.js';

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

/** The command line of `vmakit`, ready to parse arguments. Where commander would exit it throws a CommanderError. */
export function createProgram(): Command {
  const program = new Command('vmakit')
    .description('Replays and explains the Linux anonymous-memory machinery around mremap()')
    .version(ownVersion())
    .exitOverride()
    .showHelpAfterError('(vmakit --help lists the commands)')
    .configureOutput({ outputError: (text, write) => write(text) });
  for (const makeCommand of commands) program.addCommand(makeCommand().copyInheritedSettings(program));
  return program;
}
