import { Command, InvalidArgumentError, Option } from 'commander';
import type { ReplayCommandOptions } from '../replay/run-replay.js';

const AFTER_HELP = `
An INPUT is a trace folder (strace.txt or perf.txt, with or without .gz, meta.json, maps/), the text of strace, of perf
script or of raw tracefs, plain or gzip, or - for standard input. The format is recognised. Files of strace -ff
(NAME.PID, one for each thread) are read as one recording when they are given together.

Policies: none, relocate-anon (also relocate-anon:v1, relocate-anon:rfc-v2), auto-relocate; several are joined by +.

Exit code: 0 replayed and everything checked holds, 1 divergences, 2 bad usage or unreadable input.
`;

/** `vmakit replay`: executes recorded programs on the model and checks it against the recordings. */
export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'Execute a recorded program on the model, check it against the recording, say what merged and what not',
    )
    .argument('<input...>', 'recordings or trace folders; - reads standard input')
    .option('--maps <file>', '/proc/PID/maps or smaps at the start: right after execve, or when attached')
    .option('--end-maps <file>', '/proc/PID/maps or smaps at the end, to compare with')
    .addOption(new Option('--from <recording>', 'which recording of a folder to use').choices(['perf', 'strace']))
    .addOption(
      new Option('--assume <what>', 'without page faults: is writable anonymous memory touched at once')
        .choices(['touched', 'untouched'])
        .default('touched'),
    )
    .addOption(
      new Option('--profile <name>', 'kernel to be (default: nearest to the recorded one)').choices([
        'v7.3',
        'v6.18',
        'rfc-v2',
      ]),
    )
    .option('--max-map-count <n>', 'vm.max_map_count in place of the recorded one', parsePositive)
    .option('--policy <names>', 'replay under these policies: what would have been', parseList)
    .option('--compare <names>', 'replay once under each of these policies and compare', parseList)
    .option('--force-flag', 'every mremap that may move asks for relocation')
    .option('--json', 'print one object (docs/replay-json.md)')
    .option('--report <file>', 'write a self-contained HTML report')
    .option('--write-maps <folder>', "write the model's /proc/PID/maps of each process at its end")
    .option('--details <n>', 'differences and examples kept of each kind', parseCount, 10)
    .option('-j, --jobs <n>', 'worker threads for several recordings (default: one for each core)', parsePositive)
    .addHelpText('after', AFTER_HELP)
    .action(async (inputs: string[], options: ReplayCommandOptions) => {
      const { runReplay } = await import('../replay/run-replay.js');
      process.exitCode = await runReplay(inputs, options);
    });
}

function parseList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('Names with commas between them.');
  return names;
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A number, 1 or more.');
  return value;
}

function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('A number, 0 or more.');
  return value;
}
