// node tools/run.mjs setup | demo | test | bench ARGS | vmakit ARGS | pnpm ARGS | nx ARGS | changeset ARGS | format |
// clean
// The root scripts: each sets up what is missing by itself, from a clone with only Node and npm on the machine.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packages, root } from './lib/workspace.mjs';
import { SetupError, compileBench, ensureInstalled, environment, exclusively, pnpm, setUp } from './lib/setup.mjs';

const nodeVersionMin = [20, 19];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [needMajor, needMinor] = nodeVersionMin;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new SetupError(`Node ${nodeVersionMin.join('.')} or newer is needed, this is ${process.versions.node}`);
}

/** Runs the built CLI in this process, as if it had been started by its own name from the caller's folder. */
async function vmakit(args) {
  setUp();
  if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
  const bin = join(root, 'packages/cli/dist/bin.js');
  process.argv = [process.execPath, bin, ...args];
  await import(pathToFileURL(bin).href);
}

/** Runs an installed tool with the terminal as its own. */
function tool(name, args) {
  exclusively(ensureInstalled);
  process.exitCode = spawnSync(name, args, { cwd: root, env: environment(), stdio: 'inherit' }).status ?? 1;
}

const commands = {
  setup: async () => setUp(),
  demo: async () => {
    setUp();
    const { demo } = await import('./lib/demo.mjs');
    process.exitCode = demo();
  },
  vmakit,
  test: async (args) => {
    const { testAll } = await import('./lib/test-all.mjs');
    process.exitCode = await testAll(args);
  },
  bench: async (args) => {
    setUp();
    // Compiled, as what is published is: a loader of TypeScript passes buffers between threads, and from the first one
    // on the engine's code looks at each access to an array whether its buffer is still there.
    compileBench();
    const script = join(root, 'tools/bench/dist/main.js');
    const { status } = spawnSync(process.execPath, ['--expose-gc', script, ...args], { stdio: 'inherit' });
    process.exitCode = status ?? 1;
  },
  pnpm: async (args) => exclusively(() => pnpm(args)),
  nx: async (args) => tool('nx', args),
  changeset: async (args) => tool('changeset', args),
  format: async (args) => tool('prettier', ['--write', ...(args.length > 0 ? args : ['.'])]),
  clean: async () => {
    for (const { dir } of packages()) rmSync(join(dir, 'dist'), { recursive: true, force: true });
  },
};

const [name, ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  console.error(`usage: node tools/run.mjs ${Object.keys(commands).join('|')} [ARGS]`);
  process.exitCode = 2;
} else {
  try {
    checkNode();
    await command(args);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`vmakit: ${error.message}`);
    process.exitCode = 1;
  }
}
