import { Command, InvalidArgumentError, Option } from 'commander';
import type { LiveFuzzOptions } from '../live/run-live-fuzz.js';
import type { LiveSnapshotOptions } from '../live/run-live-snapshot.js';
import type { LiveVerifyOptions } from '../live/run-live-verify.js';

/** `vmakit live`: the kernel that is running, beside the model. */
export function liveCommand(): Command {
  return new Command('live')
    .description('Run operations on the kernel of this machine beside the model, and compare')
    .addCommand(verifyCommand())
    .addCommand(fuzzCommand())
    .addCommand(snapshotCommand());
}

function profileOption(): Option {
  const about = "kernel that the model is to be (default: the one nearest to this machine's)";
  return new Option('--profile <name>', about).choices(['v7.3', 'v6.18', 'rfc-v2']);
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Perform the operations of scenario files on both; compare every result and everything that can be seen',
    )
    .argument('<file...>', 'scenario files, plain or gzip')
    .addOption(profileOption())
    .option('--filter <text>', 'only scenarios whose name contains this')
    .option('--plain-moves', 'perform relocating moves as plain ones instead of leaving them out')
    .option('--record <file>', 'write the scenarios there as this kernel did them, with all that it showed')
    .option('--json', 'print one object: scenarios, operations, differences, omitted...')
    .action(async (files: string[], options: LiveVerifyOptions) => {
      const { runLiveVerify } = await import('../live/run-live-verify.js');
      process.exitCode = await runLiveVerify(files, options);
    });
}

function fuzzCommand(): Command {
  return new Command('fuzz')
    .description('Perform random programs on both; shrink the first that differs to its smallest form')
    .option('--seconds <n>', 'stop after so long', parsePositive, 60)
    .option('--operations <n>', 'or after so many operations', parsePositive)
    .option('--seed <n>', 'the same seed makes the same programs (default: from the clock)', parseSeed)
    .option('--from <n>', 'begin with this program of the seed', parseCount, 0)
    .option('--length <n>', 'operations of a program, about', parsePositive)
    .option('--mix <names>', 'only these kinds of programs, comma separated', (text) => text.split(','))
    .option('--differences <n>', 'go on until so many are found', parsePositive, 1)
    .option('--out <folder>', 'write what is found there', '.')
    .addOption(profileOption())
    .option('--json', 'print one object: operations, differences, seed...')
    .option('--coverage', 'list every merge case and every way through mremap that was taken')
    .action(async (options: LiveFuzzOptions) => {
      const { runLiveFuzz } = await import('../live/run-live-fuzz.js');
      process.exitCode = await runLiveFuzz(options);
    });
}

function snapshotCommand(): Command {
  return new Command('snapshot')
    .description(
      'List neighbours in a running process that look mergeable and are two, and the rule that keeps them apart',
    )
    .argument('<pid>', 'process', parsePositive)
    .option('--json', 'print one object: vmas, pairs')
    .action(async (pid: number, options: LiveSnapshotOptions) => {
      const { runLiveSnapshot } = await import('../live/run-live-snapshot.js');
      process.exitCode = await runLiveSnapshot(pid, options);
    });
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number, 1 or more.');
  return value;
}

function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number, 0 or more.');
  return value;
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('A whole number, 0 or more.');
  return value;
}
