import { describe, expect, it } from 'vitest';
import { kernelFor, profileForRelease } from './kernel-for.js';

describe('the profile of a recording', () => {
  it.each([
    ['6.18.44 x86_64', 'v6.18', null],
    ['6.15.2', 'rfc-v2', null],
    ['7.3.0-rc1', 'v7.3', null],
    [
      '6.17.9',
      'v6.18',
      'Linux 6.17.9 is not among the kernels that were measured; the nearest profile, v6.18, is used',
    ],
    ['5.15.0-91-generic', 'rfc-v2', /nearest profile, rfc-v2/],
    ['8.1', 'v7.3', /nearest profile, v7\.3/],
    ['next', 'v6.18', 'the kernel release is "next"; it is taken to be like Linux 6.18'],
    [null, 'v6.18', 'the recording does not name its kernel; it is taken to be like Linux 6.18'],
  ])('of Linux %s is %s', (release, profile, note) => {
    const chosen = profileForRelease(release);
    expect(chosen.profile).toBe(profile);
    if (note === null) expect(chosen.note).toBeNull();
    else expect(chosen.note).toMatch(note);
  });

  it('takes the settings that were recorded, those of the recordings of the corpus otherwise', () => {
    const recorded = {
      maxMapCount: 1000,
      stackGuardGapPages: 1,
      mmapMinAddr: 65_536,
      overcommitMemory: 2,
      transparentHugePages: 'always',
      anonVmaName: true,
    } as unknown as Parameters<typeof kernelFor>[1];
    expect(kernelFor('v6.18', recorded).env.settings).toMatchObject({
      maxMapCount: 1000,
      stackGuardGap: 1,
      mmapMinPage: 16,
      overcommit: 'never',
      anonymousNames: true,
      thp: { enabled: 'always' },
    });
    expect(kernelFor('v6.18', null).env.settings).toMatchObject({
      maxMapCount: 65_530,
      anonymousNames: false,
      thp: { enabled: 'madvise' },
    });
  });
});
