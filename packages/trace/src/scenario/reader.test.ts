import { existsSync, readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ScenarioFormatError } from './format-error.js';
import { readGoldenRecords, readScenarios } from './reader.js';
import type { Scenario } from './scenario.js';
import { scenarioToLines } from './writer.js';

const HEADER =
  '{"format":"mm-scenario/1","name":"example","thp":{"enabled":"never","16":"always"},"repairs":["undoAfterMove"],' +
  '"arch":"x86_64","pageSize":4096,"arena":{"start":"0x100000000000","pages":4096}}';
const MAPPED = '{"procs":[{"p":0,"mm":[8,0,8],"vmas":[[16,24,"rw-p",16,null,[],"ac sd"]],"pages":[]}],"anonVmas":[]}';
const MMAP = `{"op":"mmap","p":0,"addr":16,"len":8,"flags":["PRIVATE","ANONYMOUS","FIXED"],"ret":16,"state":${MAPPED}}`;

async function read(lines: readonly string[] | Buffer, unrecorded = false): Promise<Scenario[]> {
  const bytes = Buffer.isBuffer(lines) ? lines : Buffer.from(lines.join('\n'));
  const found: Scenario[] = [];
  for await (const scenario of readScenarios('example.jsonl', { input: Readable.from([bytes]), unrecorded })) {
    found.push(scenario);
  }
  return found;
}

/** An exit after which the state is `state`. */
function exitTo(state: string): string {
  return `{"op":"exit","p":0,"ret":0,"state":${state}}`;
}

/** The complaint about a whole file. */
async function messageOf(lines: readonly string[] | Buffer): Promise<string> {
  return read(lines).then(String, (error: Error) => error.message);
}

/** What the reader says about a file whose third line is `line`. */
async function complaint(line: string): Promise<string> {
  const error: unknown = await read([HEADER, MMAP, line]).catch((caught: unknown) => caught);
  if (!(error instanceof ScenarioFormatError)) return `not a ScenarioFormatError: ${String(error)}`;
  return error.message;
}

describe('reading a scenario', () => {
  it('gives the header and each operation, defaults filled in', async () => {
    const [scenario] = await read([HEADER, MMAP]);
    expect(scenario?.header).toMatchObject({ name: 'example', pmdPages: 512, recorder: 'full', seed: null });
    expect(scenario?.header.arena).toEqual({ start: 0x100000000000n, pages: 4096 });
    expect(scenario?.header.thp.sizes.get(16)).toBe('always');
    expect(scenario?.steps[0]).toMatchObject({ line: 2, operation: { op: 'mmap', prot: 'rw-', fd: null, off: 0 } });
  });

  it('expands "same" to the state that it stands for', async () => {
    const procs = '[{"p":0,"same":true},{"p":1,"mm":[0,0,0],"vmas":[],"pages":[]}]';
    const fork = `{"op":"fork","p":0,"child":1,"ret":1,"state":{"procs":${procs},"anonVmas":"same"}}`;
    const [scenario] = await read([HEADER, MMAP, fork, '{"op":"clearrefs","p":0,"ret":0,"state":"same"}']);
    const [first, second, third] = scenario?.steps ?? [];
    expect(second?.state?.procs[0]).toBe(first?.state?.procs[0]);
    expect(third?.state).toEqual(second?.state);
    expect(third?.stateUnchanged).toBe(true);
  });

  it('reads gzip as well as plain text, and every form of an amount', async () => {
    const line =
      '{"op":"mremap","p":0,"addr":"+65537","oldLen":"0xffffffffffffffff","newLen":8,"err":"EINVAL","state":"same"}';
    const [scenario] = await read(gzipSync([HEADER, MMAP, line].join('\n')));
    expect(scenario?.steps[1]?.operation).toMatchObject({
      addr: { bytes: 65537 },
      oldLen: { raw: 0xffffffffffffffffn },
      newLen: 8,
      newAddr: null,
    });
  });

  it('takes operations without results only when told so', async () => {
    const bare = '{"op":"munmap","p":0,"addr":16,"len":8}';
    expect(await complaint(bare)).toBe('example.jsonl:3: munmap: "ret" is missing, expected "ret" or "err"');
    const [scenario] = await read([HEADER, bare], true);
    expect(scenario?.steps[0]).toMatchObject({ outcome: null, state: null });
  });
});

describe('a broken file', () => {
  it('is refused with file, line and what was expected', async () => {
    expect(await complaint('{"op":"mmap",')).toBe(
      'example.jsonl:3: expected one JSON object on the line, found {"op":"mmap",',
    );
    expect(await complaint('[1]')).toBe('example.jsonl:3: expected one JSON object on the line, found [1]');
    expect(await complaint('{"op":"mmapp","p":0}')).toMatch(
      /^example\.jsonl:3: unknown operation "mmapp", expected one of mmap, munmap, mremap, /,
    );
    expect(await complaint('{"p":0}')).toBe(
      'example.jsonl:3: expected an operation with "op", or a header with "format"',
    );
    expect(await complaint('{"op":"munmap","p":0,"addr":16,"ret":0,"state":"same"}')).toBe(
      'example.jsonl:3: munmap: "len" is missing, expected a length: ' +
        'a count of pages, "+N" bytes, or a raw "0x..." value',
    );
    expect(await complaint('{"op":"munmap","p":"0","addr":16,"len":8,"ret":0,"state":"same"}')).toBe(
      'example.jsonl:3: munmap: "p" is "0", expected an integer of at least 0',
    );
    expect(await complaint('{"op":"exit","p":0,"length":8,"ret":0,"state":"same"}')).toMatch(
      /^example\.jsonl:3: exit: unknown field "length", expected only op, p, /,
    );
    expect(await complaint('{"op":"exit","p":0,"ret":0}')).toBe(
      'example.jsonl:3: exit: "state" is missing, expected "same" or an object',
    );
    expect(await complaint(exitTo('{"procs":[{"p":0,"mm":[0,0,0],"vmas":[[1,2]],"pages":[]}]}'))).toMatch(
      /^example\.jsonl:3: "vmas": expected \[start, end, prot, .* found \[1,2\]$/,
    );
    expect(await complaint(exitTo('{"procs":[{"p":4,"same":true}],"anonVmas":[]}'))).toBe(
      'example.jsonl:3: "procs": a process is "same", but no earlier state has it',
    );
    expect(await complaint('{"format":"mm-scenario/2"}')).toBe(
      'example.jsonl:3: header: "format" is "mm-scenario/2", expected "mm-scenario/1"',
    );
  });

  it('may be no scenario file at all', async () => {
    expect(await messageOf([])).toBe('example.jsonl: expected scenarios, the file is empty');
    expect(await messageOf([MMAP])).toBe(
      'example.jsonl:1: expected a header line with "format", or a word with "word"',
    );
    expect(await messageOf(gzipSync([HEADER, MMAP].join('\n')).subarray(0, 60))).toMatch(
      /^example\.jsonl:\d: expected more data, the gzip stream is cut off here$/,
    );
    const missing = readScenarios('/no/such/file.jsonl').next();
    await expect(missing).rejects.toThrow(/^\/no\/such\/file\.jsonl: expected .* there is no file of this name$/);
    await expect(readScenarios('/').next()).rejects.toThrow('/: expected a scenario file, found a folder');
  });
});

const GOLDEN = fileURLToPath(new URL('../../../../../shared/golden/', import.meta.url));
const goldenFiles = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith('.jsonl.gz')) : [];

describe.skipIf(goldenFiles.length === 0)('the golden recordings (skipped without ../shared/golden)', () => {
  it('are read, and written again as the same scenarios', { timeout: 60_000 }, async () => {
    let scenarios = 0;
    let words = 0;
    // Every fourth file: all kinds come along, and it stays quick.
    for (const name of goldenFiles.filter((_, i) => i % 4 === 0 || goldenFiles.length < 8)) {
      for await (const record of readGoldenRecords(GOLDEN + name)) {
        if (record.kind === 'word') {
          words++;
          continue;
        }
        scenarios++;
        const [again] = await read(scenarioToLines(record.scenario));
        expect(again?.header).toEqual(record.scenario.header);
        const steps = again?.steps.map((step, i) => ({ ...step, line: record.scenario.steps[i]?.line }));
        expect(steps).toEqual(record.scenario.steps);
      }
    }
    expect(scenarios).toBeGreaterThan(1000);
    expect(words).toBeGreaterThan(500);
  });
});
