import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { anonymousBytes, smapsValue } from './entry.js';
import type { MapsEntry } from './entry.js';
import { formatMaps, formatMapsEntry, formatSmaps } from './format-maps.js';
import { parseMaps } from './parse-maps.js';
import { readMaps } from './read-maps.js';

const folder = mkdtempSync(join(tmpdir(), 'vmakit-maps-'));
afterAll(() => rmSync(folder, { recursive: true }));

const STACK = '7ffd361a9000-7ffd36288000 rw-p 00000000 00:00 0                          [stack]';
const ANONYMOUS = '7f4ba2ff1000-7f4ba2ff8000 rw-p 00000000 00:00 0 ';
const SHARED = '7f4ba3115000-7f4ba311d000 r--s 00003000 fe:00 339380                     /tmp/a b (deleted)';
const VSYSCALL = 'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]';

describe('one line of maps', () => {
  it('is read with its name, which may hold spaces', () => {
    expect(parseMaps(`${SHARED}\n`)).toEqual([
      {
        start: 0x7f4ba3115000,
        end: 0x7f4ba311d000,
        prot: 1,
        shared: true,
        offset: 0x3000,
        device: 'fe:00',
        inode: 339380,
        name: '/tmp/a b (deleted)',
        smaps: null,
      },
    ]);
  });

  it.each([STACK, ANONYMOUS, SHARED, VSYSCALL])('is written as it was read: %s', (line) => {
    const [entry] = parseMaps(line);
    expect(formatMapsEntry(entry as MapsEntry)).toBe(line);
  });

  it('keeps addresses of 64 bits exact', () => {
    expect(BigInt((parseMaps(VSYSCALL)[0] as MapsEntry).end)).toBe(0xffffffffff601000n);
  });

  it('survives writing and reading, whatever the mapping is', () => {
    const page = fc.integer({ min: 1, max: 2 ** 52 - 2 });
    const entry = fc.record({
      range: fc.tuple(page, page).filter(([a, b]) => a !== b),
      prot: fc.integer({ min: 0, max: 7 }),
      shared: fc.boolean(),
      offset: fc.integer({ min: 0, max: 2 ** 52 - 1 }),
      inode: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      name: fc.constantFrom('', '[heap]', '[anon:a b]', '/memfd:x (deleted)', '/usr/lib/libc.so.6'),
    });
    fc.assert(
      fc.property(fc.array(entry), (drawn) => {
        const entries = drawn.map(({ range, offset, ...rest }) => ({
          ...rest,
          start: Math.min(...range) * 4096,
          end: Math.max(...range) * 4096,
          offset: offset * 4096,
          device: 'fe:00',
          smaps: null,
        }));
        expect(parseMaps(formatMaps(entries))).toEqual(entries);
      }),
    );
  });
});

describe('smaps', () => {
  const text = [
    ANONYMOUS,
    'Size:                 28 kB',
    'Anonymous:            16 kB',
    'Private_Hugetlb:       0 kB',
    'THPeligible:           1',
    'VmFlags: rd wr mr mw me gd ac ',
    '',
  ].join('\n');

  it('adds sizes and flags', () => {
    const [entry] = parseMaps(text);
    expect(entry?.smaps?.vmFlags).toEqual(['rd', 'wr', 'mr', 'mw', 'me', 'gd', 'ac']);
    expect(anonymousBytes(entry as MapsEntry)).toBe(16 * 1024);
    expect(smapsValue(entry as MapsEntry, 'THPeligible')).toBe(1);
    expect(smapsValue(entry as MapsEntry, 'Rss')).toBeNull();
  });

  it('may have other lines for other mappings', () => {
    const [head, size, anonymous, ...rest] = text.split('\n') as [string, string, string, ...string[]];
    const mixed = [head, size, anonymous, VSYSCALL, anonymous, SHARED, size, anonymous, ...rest].join('\n');
    expect(formatSmaps(parseMaps(mixed))).toBe(mixed);
    expect(parseMaps(mixed).map((entry) => smapsValue(entry, 'Anonymous'))).toEqual([16, 16, 16]);
    expect(parseMaps(mixed).map((entry) => smapsValue(entry, 'Size'))).toEqual([28, null, 28]);
  });

  it('is written as it was read', () => {
    expect(formatSmaps(parseMaps(text))).toBe(text);
  });

  it('says nothing of anonymous memory in a maps listing', () => {
    expect(anonymousBytes(parseMaps(ANONYMOUS)[0] as MapsEntry)).toBeNull();
  });
});

it('a listing may have come by way of another system', () => {
  const line = '7ffff7000000-7ffff7002000 rw-p 00000000 00:00 0 ';
  const smaps = [line, 'Anonymous:             8 kB', 'VmFlags: rd wr mr mw me ac '];
  expect(parseMaps(`${smaps.join('\r\n')}\r\n`)).toEqual(parseMaps(`${smaps.join('\n')}\n`));
});

describe('a listing that cannot be read', () => {
  it('is of smaps_rollup', () => {
    const rollup = '55d46e39b000-7ffd36288000 ---p 00000000 00:00 0                          [rollup]\nRss:  864 kB\n';
    expect(() => parseMaps(rollup)).toThrow('line 1: is of smaps_rollup, which lists no mappings; give maps or smaps');
  });

  it.each([
    ['what\n', 'x: line 1: expected "start-end perms offset device inode name" or a line of smaps'],
    ['Rss:  4 kB\n', 'x: line 1: expected "start-end perms offset device inode name" or a line of smaps'],
    [`${STACK}\nwhat\n`, 'x: line 2: expected "start-end perms offset device inode name" or a line of smaps'],
    [ANONYMOUS.replace('7f4ba2ff8000', '7f4ba2ff1000'), 'x: line 1: expected an end above the start'],
  ])('names the line: %j', (text, message) => {
    expect(() => parseMaps(text, 'x')).toThrow(message);
  });

  it('is empty, cut off, or not there', async () => {
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    await expect(readMaps(file('empty', ''))).rejects.toThrow('the listing is empty');
    const packed = gzipSync(`${STACK}\n`.repeat(50));
    await expect(readMaps(file('cut', packed.subarray(0, 30)))).rejects.toThrow('the gzip data ends too early');
    await expect(readMaps(join(folder, 'missing'))).rejects.toThrow('no such file or directory');
    await expect(readMaps(folder)).rejects.toThrow('is a directory');
  });

  it('is no reason for anything but one kind of error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(STACK, ANONYMOUS, VSYSCALL)), (text) => {
        try {
          parseMaps(text);
        } catch (error) {
          expect((error as Error).name).toBe('TraceInputError');
        }
      }),
    );
  });
});

/** Every listing in the trace folders below `root`. */
function listings(root: string): string[] {
  if (!existsSync(root)) return [];
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => /maps(\.gz)?$/.test(path)).map((path) => join(root, path));
}

function expectRoundTrips(paths: readonly string[]): void {
  for (const path of paths) {
    const content = readFileSync(path);
    const text = (path.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8');
    const entries = parseMaps(text, path);
    expect(path.includes('smaps') ? formatSmaps(entries) : formatMaps(entries)).toBe(text);
  }
}

describe('listings of a real kernel are written back byte for byte', () => {
  it('the bundled ones', () => {
    const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
    const paths = listings(fixtures).filter((path) => /\d/.test(basename(path)));
    expect(paths.length).toBe(8);
    expectRoundTrips(paths);
  });

  it('those of the corpus', { timeout: 60_000 }, ({ skip }) => {
    const paths = listings(fileURLToPath(new URL('../../../../../shared/traces', import.meta.url)));
    const found = paths.filter((path) => path.endsWith('.gz'));
    skip(found.length === 0, '../shared/traces is not there');
    expectRoundTrips(found);
  });
});
