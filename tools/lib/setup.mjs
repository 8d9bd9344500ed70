// Everything a fresh clone is missing, fetched and built by need: the pinned pnpm (into .tools, through npm), the
// dependencies (from the lockfile), the built packages. All of its output goes to stderr: the command that a
// person asked for owns stdout.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { filesBelow, packages, readJson, root } from './workspace.mjs';

const toolsHome = join(root, '.tools');
const pnpmEntry = join(toolsHome, 'node_modules/pnpm/bin/pnpm.cjs');
const installStamp = join(root, 'node_modules/.vmakit-install');
const buildStamp = join(root, 'node_modules/.vmakit-build');
const toStderr = ['ignore', 2, 2];

/** A step that could not be done; its message is all a person needs to see. */
export class SetupError extends Error {}

const say = (text) => process.stderr.write(`vmakit: ${text}\n`);

function run(what, file, args, stdio = toStderr) {
  // `npm run --silent` would silence the errors of npm and pnpm too.
  const { npm_config_loglevel: _, ...env } = process.env;
  try {
    execFileSync(file, args, { cwd: root, stdio, env });
  } catch {
    throw new SetupError(`${what} failed (see above)`);
  }
}

function pinnedPnpm() {
  return readJson(join(root, 'package.json')).packageManager.split('@')[1].split('+')[0];
}

function ensurePnpm() {
  const version = pinnedPnpm();
  const manifest = join(toolsHome, 'node_modules/pnpm/package.json');
  if (existsSync(manifest) && readJson(manifest).version === version) return;
  say(`fetching pnpm ${version}`);
  mkdirSync(toolsHome, { recursive: true });
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
  run(`fetching pnpm ${version}`, npm[0], [
    ...npm.slice(1),
    'install',
    '--prefix',
    toolsHome,
    ...quiet,
    `pnpm@${version}`,
  ]);
}

/** Runs the pinned pnpm in the workspace; with `quiet` only its complaints are shown. */
export function pnpm(args, { quiet = false } = {}) {
  ensurePnpm();
  run(`pnpm ${args[0]}`, process.execPath, [pnpmEntry, ...args], quiet ? ['ignore', 'ignore', 2] : toStderr);
}

/** The environment in which tools that start `pnpm` themselves (nx, changesets) find the pinned one. */
export function environment() {
  const bins = [join(toolsHome, 'node_modules/.bin'), join(root, 'node_modules/.bin')];
  return { ...process.env, PATH: [...bins, process.env.PATH].join(':') };
}

const isFresh = (stamp, print) => existsSync(stamp) && readFileSync(stamp, 'utf8') === print;

function installPrint() {
  const hash = createHash('sha256');
  const manifests = packages().map(({ dir }) => join(dir, 'package.json'));
  for (const path of [
    ...manifests,
    ...['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml'].map((name) => join(root, name)),
  ]) {
    hash.update(relative(root, path)).update(readFileSync(path));
  }
  return hash.digest('hex');
}

/** What a build depends on, by path, time and size: cheap enough to look at before every command. */
function buildPrint() {
  const hash = createHash('sha256');
  const sources = (path) => path.endsWith('.ts') && !path.endsWith('.test.ts');
  const inputs = packages().flatMap(({ dir }) => [
    join(dir, 'package.json'),
    join(dir, 'tsconfig.build.json'),
    ...filesBelow(join(dir, 'src'), sources),
  ]);
  for (const path of [join(root, 'tsconfig.base.json'), join(root, 'pnpm-lock.yaml'), ...inputs]) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${relative(root, path)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

const isBuilt = () => packages().every(({ dir }) => existsSync(join(dir, 'dist/index.js')));

/** Installs the dependencies from the lockfile, unless that was done for these manifests. */
export function ensureInstalled() {
  const print = installPrint();
  if (isFresh(installStamp, print)) return;
  say('installing dependencies from the lockfile');
  pnpm(['install', '--frozen-lockfile', '--prefer-offline']);
  writeFileSync(installStamp, print);
}

/** Builds the packages, unless nothing changed since the last build. */
export function ensureBuilt() {
  const print = buildPrint();
  if (isBuilt() && isFresh(buildStamp, print)) return;
  say('building the packages');
  run('the build', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b']);
  run('the build', process.execPath, [join(root, 'tools/finish-build.mjs')]);
  writeFileSync(buildStamp, print);
}

/** Compiles the benchmarks, which are not published: without checking them, as `npm test` does. */
export function compileBench() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  run('compiling the benchmarks', process.execPath, [tsc, '-p', join(root, 'tools/bench/tsconfig.build.json')]);
}

/** Whether commands can run at once; looks at file times only. */
export function isReady() {
  return existsSync(installStamp) && isBuilt() && isFresh(buildStamp, buildPrint());
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** The process that holds `lock`; 0: none any more, or it has not yet said which one it is. */
function holderOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch (error) {
    // Given back since it was found to be there.
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}

/** Runs `work` while no other process of this clone installs or builds. */
export function exclusively(work) {
  mkdirSync(toolsHome, { recursive: true });
  const lock = join(toolsHome, 'lock');
  for (let waited = 0; ; waited++) {
    try {
      const fd = openSync(lock, 'wx');
      writeSync(fd, String(process.pid));
      closeSync(fd);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = holderOf(lock);
    if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true });
    else if (waited === 0 && holder > 0) say(`waiting for process ${holder}, which sets up this clone`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Installs and builds what is missing. */
export function setUp() {
  if (isReady()) return;
  exclusively(() => {
    ensureInstalled();
    ensureBuilt();
  });
}
