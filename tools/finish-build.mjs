// node tools/finish-build.mjs: the last steps of a build. See lib/inline-constants.mjs and lib/private-bindings.mjs.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuiltModules } from './lib/built-modules.mjs';
import { Constants } from './lib/inline-constants.mjs';
import { bindPrivately } from './lib/private-bindings.mjs';
import { packages, root } from './lib/workspace.mjs';

const stamp = join(root, 'node_modules/.vmakit-constants');
const folders = packages().map(({ dir }) => dir);

let modules = new BuiltModules(folders);
let constants = new Constants(modules);
const before = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : {};
const { values } = constants;
if (Object.keys(before).some((name) => name in values && values[name] !== before[name])) {
  // What was built before has old values in it, and tsc sees no reason to write it again.
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--force'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  modules = new BuiltModules(folders);
  constants = new Constants(modules);
}
writeFileSync(stamp, JSON.stringify(constants.values));
constants.inline();
bindPrivately(modules);
