import { describe, expect, it } from 'vitest';
import { bytes, count, plural, share } from './numbers.js';
import { assumptionWords, ruleWords, valueWords } from './words.js';

describe('numbers for a person', () => {
  it('have groups of three digits', () => {
    expect([count(0), count(999), count(65_530), count(-1234567)]).toEqual(['0', '999', '65,530', '-1,234,567']);
  });

  it('agree with their noun', () => {
    expect([plural(0, 'page'), plural(1, 'page'), plural(2000, 'page')]).toEqual(['0 pages', '1 page', '2,000 pages']);
    expect(plural(3, 'process', 'processes')).toBe('3 processes');
  });

  it('of bytes have a unit and three digits at most', () => {
    expect([0, 1023, 1024, 1536, 246_784, 5 * 2 ** 30, -2048].map(bytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '241 KiB',
      '5.0 GiB',
      '-2.0 KiB',
    ]);
    expect(bytes(2 ** 52)).toBe('4096 TiB');
  });

  it('of shares are exact where they are small', () => {
    expect([share(0, 5), share(1, 1000), share(1, 3), share(5, 5), share(1, 0)]).toEqual([
      '0 %',
      '0.1 %',
      '33 %',
      '100 %',
      '0 %',
    ]);
  });
});

describe('words', () => {
  it('say why two neighbours are two', () => {
    expect(ruleWords('flags')).toEqual({ why: 'their protection or other flags differ', values: 'flags' });
    expect(ruleWords('close-hook').values).toBeNull();
  });

  it('say what a rule compared', () => {
    expect(valueWords('page-offset', 0x7ffff7002)).toBe('0x7ffff7002');
    expect([valueWords('anon-vma', 3), valueWords('anon-vma', null)]).toEqual(['3', 'untouched']);
    expect([valueWords('file', '/bin/sh'), valueWords('file', null)]).toEqual(['/bin/sh', 'none']);
  });

  it('say what a recording was taken to mean', () => {
    expect(assumptionWords('touched')).toContain('(--assume touched)');
    expect(assumptionWords('untouched')).toContain('(--assume untouched)');
    expect(assumptionWords('recorded')).toBe('page faults are recorded: nothing is assumed about them');
  });
});
