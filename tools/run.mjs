// Runs the workspace's own steps with nothing but Node and npm there: fetches the pinned pnpm into .tools once,
// installs from the lockfile when it changed, builds what is out of date.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from './lib/workspace.mjs';

const version = readJson(join(root, 'package.json')).packageManager.split('@')[1].split('+')[0];
const home = join(root, '.tools');
const installed = join(home, 'node_modules/pnpm/package.json');

function pnpm(args) {
  if (!existsSync(installed) || readJson(installed).version !== version) {
    execFileSync('npm', ['install', '--prefix', home, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', `pnpm@${version}`], {
      stdio: ['ignore', 2, 2],
    });
  }
  execFileSync(process.execPath, [join(home, 'node_modules/pnpm/bin/pnpm.cjs'), ...args], { cwd: root, stdio: ['ignore', 2, 2] });
}

if (process.argv[2] === 'pnpm') pnpm(process.argv.slice(3));
