import { Command, InvalidArgumentError, Option } from 'commander';
import type { VerifyOptions } from '../verify/run-verify.js';

/** `vmakit verify`: runs recorded scenarios on the model. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Run recorded scenarios on the model; compare every result and the complete state after each operation',
    )
    .argument(
      '[file...]',
      'scenario files or files of single page-table words, plain or gzip; - reads standard input. ' +
        'None are needed with --bugs',
    )
    .option('--check', 'check the invariants and the locks of the model after every operation')
    .option('--json', 'print one object: passed, failed, failures...')
    .option('-j, --jobs <n>', 'worker threads (default: one for each core, no more than files)', parseJobs)
    .option('--arch <name>', 'run on this architecture: page counts are scaled, what depends on them is not compared')
    .addOption(new Option('--profile <name>', 'kernel to be').choices(['v7.3', 'v6.18', 'rfc-v2']))
    .option('--inject', 'make every injection point fail, at every occurrence')
    .addOption(
      new Option(
        '--bugs <variant>',
        'show the known bugs of a variant of the series; looks at the files first, if any',
      ).choices(['v1', 'rfc-v2']),
    )
    .option('--filter <text>', 'only scenarios whose name contains this')
    .option('--show <n>', 'print the first n failures in full', parseCount, 10)
    .option('--summary', 'group the failures by operation and first difference')
    .option('--steps', 'print each operation of the scenarios with the state after it (use with --filter)')
    .action(async (files: string[], options: VerifyOptions) => {
      const { runVerify } = await import('../verify/run-verify.js');
      process.exitCode = await runVerify(files, options);
    });
}

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 256) throw new InvalidArgumentError('A number from 1 to 256.');
  return jobs;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('A number, 0 or more.');
  return count;
}
