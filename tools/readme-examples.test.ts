import { format } from 'node:util';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test, vi } from 'vitest';
import { examplesIn, promisedOutput, readmeExamples } from './readme-examples.js';
import { root } from './lib/workspace.mjs';

const examples = readmeExamples();

/** Type-checks texts as files that exist only in memory, under the workspace's own compiler options. */
function typeErrors(files: ReadonlyMap<string, string>): string[] {
  const parsed = ts.parseJsonConfigFileContent(
    { extends: './tsconfig.check.json', include: [], files: [...files.keys()] },
    ts.sys,
    root,
  );
  const options = { ...parsed.options, noUnusedLocals: false, moduleDetection: ts.ModuleDetectionKind.Force };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? readSource(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((one) => `${path}: ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`);
  });
}

/** Runs one example and returns what it logged. */
async function outputOf(path: string): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...args: unknown[]) => void lines.push(format(...args)));
  try {
    await import(path);
  } finally {
    log.mockRestore();
  }
  return lines.join('\n').replace(/[ \t]+$/gm, '');
}

describe('README examples', () => {
  test('all of them type-check', () => {
    expect(typeErrors(new Map(examples.map(({ path, code }) => [path, code])))).toEqual([]);
  });

  for (const { where, path, prints } of examples.filter(({ isRun }) => isRun)) {
    test(`${where} runs${prints === undefined ? '' : ' and prints what it says'}`, async () => {
      const output = await outputOf(path);
      if (prints !== undefined) expect(output).toBe(prints);
    });
  }
});

describe('the reader of examples', () => {
  test('finds the promised output in the closing comment', () => {
    expect(promisedOutput('console.log(3);\n// prints: 3\n')).toBe('3');
    expect(promisedOutput('f();\n// prints:\n// a\n//   b\n')).toBe('a\n  b');
    expect(promisedOutput('f(); // prints nothing\n')).toBeUndefined();
  });

  test('knows where an example stands and whether it is run', () => {
    const [first, second] = examplesIn('packages/mm/README.md', '# x\n\n```ts\nf();\n```\n\n```ts no-run\ng();\n```\n');
    expect(first).toMatchObject({ where: 'packages/mm/README.md:3', code: 'f();\n', isRun: true });
    expect(second).toMatchObject({ path: join(root, 'packages/mm/readme-example-2.ts'), isRun: false });
  });

  test('a wrong type is found', () => {
    const path = join(root, 'packages/base/readme-example-999.ts');
    expect(typeErrors(new Map([[path, 'export const x: string = 1;\n']]))).toEqual([
      `${path}: Type 'number' is not assignable to type 'string'.`,
    ]);
  });
});
