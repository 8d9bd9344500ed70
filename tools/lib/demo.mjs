// `npm run demo`: replays the bundled recording, then asks what relocation would have made of the same program.
import { spawnSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { root } from './workspace.mjs';

const recording = 'demo/compactor';
const results = 'demo/results';

/** Each command as a user would type it, and why. */
const commands = [
  {
    title: 'A program whose garbage collector moves its objects with mremap(), replayed and checked:',
    args: ['replay', recording, '--write-maps', results],
  },
  {
    title: 'The same program, had every mremap() asked for MREMAP_RELOCATE_ANON:',
    args: ['replay', recording, '--compare', 'none,relocate-anon,auto-relocate', '--force-flag'].concat(
      '--report',
      `${results}/report.html`,
    ),
  },
];

/** Runs the demo; gives the exit code. */
export function demo() {
  const bin = join(root, 'packages/cli/dist/bin.js');
  for (const { title, args } of commands) {
    console.log(`\n${title}\n$ npm run -s vmakit -- ${args.join(' ')}\n`);
    const { status } = spawnSync(process.execPath, [bin, ...args], { cwd: root, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
  }
  const folder = join(relative(process.env.INIT_CWD ?? process.cwd(), root), results);
  console.log(`\nThe maps that the model ended with, and the report to open in a browser, are in ${folder}/`);
  return 0;
}
