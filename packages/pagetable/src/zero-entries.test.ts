import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MARKER_GUARD, PROT_READ, YOUNG } from './entry.js';
import { createArch } from './registry.js';

describe.each(['x86-64', 'arm64-4k', 'arm64-16k', 'arm64-64k'])('emptyEntries of %s', (name) => {
  const arch = createArch(name);
  const COUNT = 14;

  test('counts entries as long as they are empty, wherever others are', () => {
    const kinds = fc.constantFrom('empty', 'empty', 'empty', 'empty', 'empty', 'page', 'swap', 'marker');
    fc.assert(
      fc.property(fc.array(kinds, { minLength: COUNT, maxLength: COUNT }), fc.nat(COUNT), (entries, limit) => {
        const words = new Int32Array(2 * COUNT);
        entries.forEach((kind, i) => {
          if (kind === 'page') arch.setPage(words, 2 * i, 0, i, PROT_READ, YOUNG);
          else if (kind === 'swap') arch.setSwap(words, 2 * i, 0, i + 1, 0);
          else if (kind === 'marker') arch.setMarker(words, 2 * i, MARKER_GUARD);
        });
        let expected = 0;
        while (expected < limit && arch.isNone(words, 2 * expected)) expected++;
        expect(arch.emptyEntries(words, 0, limit)).toBe(expected);
      }),
    );
  });

  test('counts what is empty though not 0', () => {
    // Bits that the processor may leave in an entry of x86-64 which maps nothing.
    const words = new Int32Array(2 * COUNT);
    words[10] = 0x60;
    expect(arch.emptyEntries(words, 0, COUNT)).toBe(arch.isNone(words, 10) ? COUNT : 5);
  });
});
