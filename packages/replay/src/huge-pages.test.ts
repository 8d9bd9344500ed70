import { existsSync, readFileSync } from 'node:fs';
import { alignedDoubles, observeLargeArrays, reported } from '@vmakit/base';
import { afterEach, describe, expect, it } from 'vitest';
import { useHugePages } from './huge-pages.js';

const hasHugePages = existsSync('/sys/kernel/mm/transparent_hugepage');

/** Mappings of this process for which huge pages were asked. */
function advisedMappings(): number {
  return readFileSync('/proc/self/smaps', 'utf8').match(/^VmFlags:.* hg\b/gm)?.length ?? 0;
}

describe('huge pages', () => {
  afterEach(() => observeLargeArrays(null));

  it.skipIf(!hasHugePages)('are asked for by large arrays (skipped on a machine without them)', () => {
    const before = advisedMappings();
    useHugePages();
    // So many that the C library gives them a mapping of their own.
    const doubles = reported(alignedDoubles(8 << 20)).fill(1);
    expect(advisedMappings()).toBe(before + 1);
    expect(doubles.length).toBe(8 << 20);
  });
});
