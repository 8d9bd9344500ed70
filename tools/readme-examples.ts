import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packages, root } from './lib/workspace.mjs';

/** One fenced `ts` block of a README. */
export interface ReadmeExample {
  /** Where the block stands, `packages/mm/README.md:12`. */
  readonly where: string;
  /** A path beside the README, which nothing is written to: imports resolve from there. */
  readonly path: string;
  readonly code: string;
  /** The closing `// prints:` comment, or undefined when the example promises no output. */
  readonly prints: string | undefined;
  /** False for blocks marked `ts no-run`: they are type-checked only. */
  readonly isRun: boolean;
}

/** The text that the closing comment block of an example promises: `// prints: 3`, or lines below `// prints:`. */
export function promisedOutput(code: string): string | undefined {
  const found = /^\/\/ prints:[ ]?(.*)\n((?:\/\/.*\n?)*)\s*$/m.exec(code);
  if (found === null) return undefined;
  const below = (found[2] ?? '').split('\n').filter(Boolean);
  const lines = below.map((line) => line.replace(/^\/\/ ?/, '').trimEnd());
  return [...(found[1] ? [found[1].trimEnd()] : []), ...lines].join('\n');
}

/** The examples of one README, given by its path in the workspace and its text. */
export function examplesIn(readme: string, text: string): ReadmeExample[] {
  const fence = /^```ts([^\n]*)\n([\s\S]*?)^```/gm;
  return [...text.matchAll(fence)].map((found, at) => {
    const [, info = '', code = ''] = found;
    return {
      where: `${readme}:${text.slice(0, found.index).split('\n').length}`,
      path: join(root, dirname(readme), `readme-example-${at + 1}.ts`),
      code,
      prints: promisedOutput(code),
      isRun: !info.includes('no-run'),
    };
  });
}

/** Every example of the root README and of the packages' READMEs. */
export function readmeExamples(): ReadmeExample[] {
  const readmes = ['README.md', ...packages().map(({ folder }) => `packages/${folder}/README.md`)];
  return readmes.flatMap((readme) => examplesIn(readme, readFileSync(join(root, readme), 'utf8')));
}
