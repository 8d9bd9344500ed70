import { fileURLToPath } from 'node:url';
import { type ViteUserConfig, defineConfig } from 'vitest/config';

/** Tests see the other packages' sources, so they need no build; the rest are vite's own server conditions. */
export const sourceConditions: string[] = ['@vmakit/source', 'module', 'node', 'development|production'];

/** The vitest configuration of one package; `configUrl` is the `import.meta.url` of its config file. */
export function packageProject(name: string, configUrl: string): ViteUserConfig {
  return defineConfig({
    root: fileURLToPath(new URL('.', configUrl)),
    ssr: { resolve: { conditions: sourceConditions } },
    resolve: { conditions: sourceConditions },
    test: { name, include: ['src/**/*.test.ts', '*.test.ts'], passWithNoTests: true, testTimeout: 60_000 },
  });
}
