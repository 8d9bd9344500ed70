import { defineConfig, mergeConfig } from 'vitest/config';
import { packageProject } from '../vitest.shared.js';
import { readmeExamplesPlugin } from './vitest/readme-plugin.js';

export default mergeConfig(
  packageProject('tools', import.meta.url),
  defineConfig({
    plugins: [readmeExamplesPlugin()],
    test: { testTimeout: 300_000, include: ['bench/src/**/*.test.ts'] },
  }),
);
