// The dependency-cruiser rules that follow from tools/layers.mjs and from the packages' exports maps.
import { join } from 'node:path';
import { mayImport } from '../layers.mjs';
import { packages, root } from './workspace.mjs';

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const tests = '\\.test\\.ts$';

/** Source files that the exports map of a package declares, as regular expressions on workspace paths. */
function declaredEntries({ folder, manifest }) {
  return Object.values(manifest.exports ?? {})
    .map((entry) => (typeof entry === 'object' ? entry['@vmakit/source'] : undefined))
    .filter((path) => path !== undefined)
    .map((path) => `^packages/${folder}/${escape(path.replace(/^\.\//, ''))}$`);
}

/** One rule per package: what its shipped sources must not import because it lies above. Tests may look up. */
function layerRule({ folder }, all) {
  const above = all.map((other) => other.folder).filter((other) => !mayImport(folder, other));
  if (above.length === 0) return [];
  return [
    {
      name: `layers-${folder}`,
      comment: `${folder} may import only from packages below it: see tools/layers.mjs`,
      severity: 'error',
      from: { path: `^packages/${folder}/src/`, pathNot: tests },
      to: { path: `^packages/(${above.join('|')})/` },
    },
  ];
}

/** The dependency-cruiser configuration for the workspace at `top`. */
export function layerRules(top = root) {
  const all = packages(top);
  return {
    forbidden: [
      {
        name: 'no-cycles',
        comment: 'two files of a package may name each other in types, never need each other to load',
        severity: 'error',
        from: { pathNot: tests },
        to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
      },
      { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
      ...all.flatMap((pkg) => layerRule(pkg, all)),
      {
        name: 'packages-by-their-exports',
        comment: 'another package is entered through what its exports map declares',
        severity: 'error',
        from: { path: '^packages/([^/]+)/' },
        to: { path: '^packages/', pathNot: ['^packages/$1/', ...all.flatMap(declaredEntries)] },
      },
      {
        name: 'packages-by-their-names',
        comment: 'another package is imported by its name, not by a path into its folder',
        severity: 'error',
        from: { path: '^packages/([^/]+)/src/' },
        to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'] },
      },
    ],
    options: {
      baseDir: top,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '(^|/)(dist|coverage|fixtures)/' },
      tsPreCompilationDeps: true,
      tsConfig: { fileName: join(root, 'tsconfig.check.json') },
      enhancedResolveOptions: {
        conditionNames: ['@vmakit/source', 'import', 'node', 'default'],
        exportsFields: ['exports'],
      },
    },
  };
}
