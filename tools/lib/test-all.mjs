// `npm test`: the build, every check of the workspace and every test, to the end, with one total.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './workspace.mjs';
import { SetupError, ensureInstalled, environment, exclusively, setUp } from './setup.mjs';

const bin = (name) => join(root, 'node_modules/.bin', name);
const node = process.execPath;

/** Most checks have one thread. */
const checksAtOnce = 2;

/** The checks beside the tests, the longest first; each counts as one. */
const checks = [
  { name: 'types of sources, tests and tools', command: [bin('tsc'), '-p', 'tsconfig.check.json'] },
  { name: 'published packages (publint, attw)', command: [node, 'tools/check-packages.mjs'] },
  { name: 'lint', command: [bin('oxlint'), '--deny-warnings'] },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'layers', command: [bin('depcruise'), '--config', '.dependency-cruiser.mjs', 'packages'] },
  { name: 'manifests and references', command: [node, 'tools/sync-references.mjs', '--check'] },
  {
    name: 'lockfile',
    command: [node, 'tools/run.mjs', 'pnpm', 'install', '--frozen-lockfile', '--lockfile-only', '--offline'],
  },
  { name: 'unused files, exports and dependencies', command: [bin('knip'), '--no-config-hints'] },
];

function execute(command, env = {}) {
  return new Promise((resolve) => {
    const [file, ...args] = command;
    const child = spawn(file, args, {
      cwd: root,
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ ok: false, output: String(error) }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

function note(name, ok, startedAt, output) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (!ok && output) console.log(output.trimEnd().replace(/^/gm, '     '));
}

function build() {
  const startedAt = performance.now();
  try {
    exclusively(ensureInstalled);
  } catch (error) {
    if (error instanceof SetupError) note('install', false, startedAt, error.message);
    throw error;
  }
  try {
    setUp();
    note('build', true, startedAt);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    note('build', false, startedAt, error.message);
    return false;
  }
}

/** Runs vitest over the whole tree and returns its counts as the summary reporter wrote them. */
function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'vmakit-test-'));
  const summary = join(folder, 'summary.json');
  return new Promise((resolve) => {
    const env = { ...environment(), VMAKIT_TEST_SUMMARY: summary };
    const child = spawn(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], {
      cwd: root,
      env,
      stdio: 'inherit',
    });
    child.on('close', (code) => {
      let counts = { passed: 0, failed: 0 };
      try {
        counts = JSON.parse(readFileSync(summary, 'utf8'));
      } catch {
        console.log('vitest ended before it could count its tests');
      }
      rmSync(folder, { recursive: true, force: true });
      if (code !== 0 && counts.failed === 0) counts.failed = 1;
      resolve(counts);
    });
  });
}

/** The exit code; with `args` only the tests that they select. The last line printed is the total alone. */
export async function testAll(args) {
  const total = { passed: 0, failed: 0 };
  const count = (ok) => (total[ok ? 'passed' : 'failed'] += 1);
  try {
    count(build());
    if (args.length === 0) {
      const waiting = [...checks];
      const runSome = async () => {
        for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
          const startedAt = performance.now();
          const { ok, output } = await execute(check.command);
          note(check.name, ok, startedAt, output);
          count(ok);
        }
      };
      await Promise.all(Array.from({ length: checksAtOnce }, runSome));
    }
    const tests = await runTests(args);
    total.passed += tests.passed;
    total.failed += tests.failed;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    total.failed += 1;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}
