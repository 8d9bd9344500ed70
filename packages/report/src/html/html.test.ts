import { type JobOutcome, PICTURE_KINDS, type ProcessPicture, compareRecording } from '@vmakit/replay';
import { describe, expect, it } from 'vitest';
import { SHIFT, TROUBLE, WRONG, inPieces, replayed } from '../testing/results.js';
import { vmaChart } from './chart.js';
import { Markup, html } from './markup.js';
import { renderHtmlReport } from './report.js';
import { vmaStrip } from './strip.js';

const VOID = new Set(['meta', 'br', '!doctype']);

/** Elements that are not closed, or closed in another order than opened. */
function unbalanced(page: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = '', rest = ''] of page.matchAll(/<(\/?)(!?[a-z][a-z0-9]*)([^>]*)>/g)) {
    if (VOID.has(name) || rest.endsWith('/')) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

async function pageOf(lines: readonly string[], name?: string): Promise<string> {
  const { result, pictures } = await replayed(lines, { pictures: true }, name);
  return renderHtmlReport([{ kind: 'replayed', result, pictures }]);
}

describe('the page', () => {
  it('is well-formed, and the same each time', async () => {
    const page = await pageOf(TROUBLE);
    expect(unbalanced(page)).toEqual([]);
    expect(page).toMatch(/^<!doctype html>\s*<html lang="en">/);
    expect(await pageOf(TROUBLE)).toBe(page);
  });

  it('needs nothing but itself: no address, no script, nothing to fetch', async () => {
    const page = await pageOf(TROUBLE);
    expect(page).not.toMatch(/https?:|\/\/\w|<script|<link|<img|<iframe|url\(|@import|\bsrc=|\bhref=/i);
  });

  it('has the numbers and the reasons of the text', async () => {
    const page = (await pageOf(SHIFT)).replaceAll(/<[^>]*>|\s+/g, ' ').replaceAll(/ +/g, ' ');
    for (const part of [
      '✓ as recorded',
      'strace, 4 lines, Linux not named, profile v6.18, policy none',
      '2 VMAs at peak',
      '1 split',
      'Neighbours left unmerged: 1 pair',
      'page-offset',
      'offset 0x7ffff7000, to go on 0x7ffff7004',
      'results of calls 3 of 3',
    ]) {
      expect(page).toContain(part);
    }
  });

  it('shows what differs', async () => {
    const page = await pageOf(WRONG);
    expect(unbalanced(page)).toEqual([]);
    for (const part of ['✗ 2 divergences', 'length 0x3000, offset 0x7ffff7000000', 'EINVAL', 'shift.strace:9']) {
      expect(page).toContain(part);
    }
  });

  it('escapes what a recording says', async () => {
    const page = await pageOf(TROUBLE, '<b>name</b> & "more"');
    expect(page).toContain('&lt;b&gt;name&lt;/b&gt; &amp; &quot;more&quot;');
    expect(page).toContain('/bin/&lt;evil&gt; &amp; co');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).not.toContain('<evil>');
  });

  it('shows comparisons and inputs that could not be read beside replays', async () => {
    const request = { input: inPieces(SHIFT), name: 'shift', forceFlag: true, pictures: true };
    const comparison = await compareRecording({ ...request, policies: ['none', 'relocate-anon'] });
    const outcomes: JobOutcome[] = [
      { kind: 'compared', comparison },
      { kind: 'unreadable', input: 'nowhere', message: 'nowhere: no such file or directory' },
    ];
    const page = renderHtmlReport(outcomes);
    expect(unbalanced(page)).toEqual([]);
    for (const part of ['moves relocated', 'Under relocate-anon', 'nowhere: no such file or directory']) {
      expect(page).toContain(part);
    }
  });
});

describe('markup', () => {
  it('escapes values, takes markup as it is, joins lists, leaves out null', () => {
    const list = ['<', new Markup('<br />'), null, 7];
    expect(html`<p title="${'"'}">${list}</p>`.text).toBe('<p title="&quot;">&lt;<br />7</p>');
  });
});

/** A picture of VMAs [start, end) in pages. */
function picture(vmas: readonly (readonly [number, number, (typeof PICTURE_KINDS)[number]])[]): ProcessPicture {
  return {
    pid: 7,
    program: null,
    starts: Float64Array.from(vmas, ([start]) => start),
    ends: Float64Array.from(vmas, ([, end]) => end),
    kinds: Uint8Array.from(vmas, ([, , kind]) => PICTURE_KINDS.indexOf(kind)),
    timeline: [],
    maps: '',
  };
}

describe('the strip of an address space', () => {
  it('has a block for each VMA and a seam where touched neighbours did not merge', () => {
    const { text } = vmaStrip(picture([[16, 20, 'touched'], [20, 24, 'touched'], [24, 25, 'heap']])); // prettier-ignore
    expect(text.match(/<rect/g)).toHaveLength(3);
    expect(text.match(/class="seam"/g)).toHaveLength(1);
    expect(text).toContain('<title>10000-14000 touched, 4 pages</title>');
  });

  it('begins a new row at a large hole, and says how many rows are left out', () => {
    const far = Array.from({ length: 30 }, (_, at) => [at * 100_000, at * 100_000 + 1, 'file'] as const);
    expect(vmaStrip(picture(far)).text).toContain('and 6 rows more');
  });

  it('joins alike neighbours where there are more than can be told apart', () => {
    const many = Array.from({ length: 50_000 }, (_, at) => [at, at + 1, 'touched'] as const);
    const { text } = vmaStrip(picture(many));
    expect(text.match(/<rect/g)?.length).toBeLessThanOrEqual(3000);
    expect(text).toContain('17 VMAs</title>');
  });
});

describe('the chart of VMAs', () => {
  const points = [
    { event: 0, vmas: 10 },
    { event: 100, vmas: 40 },
  ];

  it('draws the limit when it is in sight', () => {
    expect(vmaChart([{ name: 'one', points }], 100)?.text).toContain('vm.max_map_count 100');
    expect(vmaChart([{ name: 'one', points }], 65_530)?.text).not.toContain('max_map_count');
  });

  it('is left out when there is nothing to draw', () => {
    expect(vmaChart([{ name: 'one', points: points.slice(1) }], 100)).toBeNull();
  });
});
