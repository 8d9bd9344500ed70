import { describe, expect, it } from 'vitest';
import { EXIT_OK, EXIT_UNUSABLE } from '../exit-codes.js';
import { vmakit } from '../testing/vmakit.js';

describe('vmakit decode', () => {
  it('says what a word means, and its fields', async () => {
    const { out, code } = await vmakit('decode', 'x86-64', 'pte', '0x8000000012345067');
    expect(out).toContain('page pfn 74565 writable young dirty');
    expect(out).toContain('51:12  PFN          0x12345');
    expect(code).toBe(EXIT_OK);
  });

  it('prints one object on request', async () => {
    const { out } = await vmakit('decode', 'x86-64', 'pte', '0x07fffffffffffc00', '--json');
    expect(JSON.parse(out)).toMatchObject({ level: 'pte', what: { kind: 'swap', swapType: 0, swapOffset: 1 } });
  });

  it.each([
    ['an unknown architecture', ['decode', 'vax', 'pte', '1'], 'vax'],
    ['a level that is not there', ['decode', 'arm64-64k', 'pud', '1'], 'arm64-64k has no level "pud"'],
    ['no number', ['decode', 'x86-64', 'pte', 'zzz'], '"zzz" is not a number'],
  ])('refuses %s in one sentence', async (_name, args, sentence) => {
    const { complaint, code } = await vmakit(...args);
    expect(code).toBe(EXIT_UNUSABLE);
    expect(complaint).toContain(sentence);
    expect(complaint.split('\n')).toHaveLength(1);
  });
});
