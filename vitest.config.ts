import { defineConfig } from 'vitest/config';

/** The whole tree in one run and one total; each package also has a config of its own. */
export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', 'tools/vitest.config.ts'],
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
    },
  },
});
