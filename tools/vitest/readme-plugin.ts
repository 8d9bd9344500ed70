import type { Plugin } from 'vitest/config';
import { readmeExamples } from '../readme-examples.js';

/** Lets a test import README examples as if they were files beside the README, where their imports resolve. */
export function readmeExamplesPlugin(): Plugin {
  const isExample = (id: string): boolean => /\/readme-example-\d+\.ts$/.test(id);
  return {
    name: 'vmakit-readme-examples',
    enforce: 'pre',
    resolveId: (id) => (isExample(id) ? id : undefined),
    load: (id) => (isExample(id) ? readmeExamples().find(({ path }) => path === id)?.code : undefined),
  };
}
