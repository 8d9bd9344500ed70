/**
 * How fast recordings are parsed: lines a second on one core, without and with reading and inflating.
 *
 *     npx tsx --conditions=@vmakit/source tools/bench/parse-speed.mjs [FOLDER]
 *
 * FOLDER holds the trace folders `compactor` and `node` (default: ../shared/traces beside the repository). Each text is
 * repeated until it has at least a million lines; the median and the best of seven runs are printed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openRecording, parseRecording } from '@vmakit/trace';

const LINES = 1_000_000;
const RUNS = 7;
const CHUNK = 1 << 18;
const root = process.argv[2] ?? fileURLToPath(new URL('../../../shared/traces', import.meta.url));

const millions = (lines, seconds) => (lines / seconds / 1e6).toFixed(2);

async function* chunks(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/** Seconds to parse `input` (a path or the bytes), the events only counted. */
async function time(input) {
  const begin = process.hrtime.bigint();
  const recording = await openRecording(typeof input === 'string' ? input : chunks(input));
  let events = 0;
  for await (const batch of recording) events += batch.length;
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (events === 0 || recording.report.malformed > 0) throw new Error('the recording was not understood');
  return seconds;
}

/** Median and best rate of several runs. */
async function rate(input, lines) {
  const times = [];
  for (let run = 0; run < RUNS; run++) times.push(await time(input));
  times.sort((a, b) => a - b);
  return `${millions(lines, times[RUNS >> 1])} M lines/s (best ${millions(lines, times[0])})`;
}

const folder = mkdtempSync(join(tmpdir(), 'parse-speed-'));
try {
  for (const name of ['compactor', 'node']) {
    for (const kind of ['strace', 'perf']) {
      const path = join(root, name, `${kind}.txt.gz`);
      if (!existsSync(path)) {
        console.log(`${name} ${kind}: not there (${path})`);
        continue;
      }
      const once = gunzipSync(readFileSync(path));
      const linesOnce = parseRecording(once).report.lines;
      const times = Math.ceil(LINES / linesOnce);
      const text = Buffer.concat(Array(times).fill(once));
      const plain = join(folder, 'text');
      const packed = join(folder, 'text.gz');
      writeFileSync(plain, text);
      writeFileSync(packed, gzipSync(text));
      const lines = linesOnce * times;
      const inMemory = await rate(text, lines);
      const fromFile = await rate(plain, lines);
      const fromGzip = await rate(packed, lines);
      const width = Math.round(text.length / lines);
      console.log(`${name} ${kind} (${lines} lines of ${width} bytes): ${inMemory}`);
      console.log(`  from a file: ${fromFile}; from gzip: ${fromGzip}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
