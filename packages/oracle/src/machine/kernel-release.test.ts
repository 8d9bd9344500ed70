import { expect, test } from 'vitest';
import { chooseProfile, parseRelease } from './kernel-release.js';

const choose = (text: string): string => {
  const release = parseRelease(text);
  if (release === null) return 'not a release';
  const { name, note } = chooseProfile(release);
  return note === null ? name : `${name}: ${note}`;
};

test('a kernel with a profile of its own gets it, whatever follows the two numbers', () => {
  expect(choose('6.18.44-fc-v595')).toBe('v6.18');
  expect(choose('7.3.4')).toBe('v7.3');
});

test('an unknown kernel gets the nearest profile, and says so', () => {
  expect(choose('6.17.1')).toBe('v6.18: Linux 6.17 has no profile of its own; taken for v6.18, the nearest');
  expect(choose('7.0.0')).toMatch(/^v6\.18: /);
  expect(choose('7.2-rc1')).toMatch(/^v7\.3: /);
  expect(choose('9.1.0')).toMatch(/^v7\.3: Linux 9\.1 /);
  expect(choose('4.19.0')).toMatch(/^rfc-v2: /);
});

test('what does not begin with two numbers is no release', () => {
  expect(choose('next-20261123')).toBe('not a release');
});
