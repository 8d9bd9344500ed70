import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './tools/vitest/summary-reporter.js';

/** The whole tree in one run and one total; each package also has a config of its own. */
export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', 'tools/vitest.config.ts'],
    passWithNoTests: true,
    // By default one core is left idle: of two, half.
    maxWorkers: availableParallelism(),
    reporters: ['default', new SummaryReporter()],
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
    },
  },
});
