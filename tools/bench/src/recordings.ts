import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { replayRecording } from '@vmakit/replay';
import { openRecording } from '@vmakit/trace';
import { type MeasureOptions, median } from './measure.js';

/** How fast recordings are read and replayed. */
export interface RecordingResult {
  readonly name: string;
  readonly unit: 'lines' | 'events';
  readonly count: number;
  readonly perSecond: number;
}

interface RecordingWorkload {
  readonly name: string;
  /** Measures everything that it is about, `repetitions` times. */
  readonly measure: (options: RecordingOptions) => Promise<RecordingResult[]>;
}

/** As for workloads: see `MeasureOptions`. */
export type RecordingOptions = Pick<MeasureOptions, 'repetitions' | 'warmUpSeconds' | 'calm'>;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMPACTOR = `${ROOT}demo/compactor`;
const STRACES = [
  `${ROOT}../shared/traces/compactor/strace.txt.gz`,
  `${ROOT}packages/trace/fixtures/edges/strace.txt.gz`,
];

/** So much text is parsed at a time, for the clock's sake. */
const TEXT_BYTES = 8 * 2 ** 20;
const PIECE_BYTES = 64 * 1024;

/** Reading and replaying, on recordings that are there: beside the repository, or bundled with it. */
export const RECORDING_WORKLOADS: readonly RecordingWorkload[] = [
  { name: 'R parse perf', measure: (options) => parsing('R parse perf', `${COMPACTOR}/perf.txt.gz`, options) },
  {
    name: 'R parse strace',
    measure: (options) => {
      const file = STRACES.find((candidate) => existsSync(candidate)) as string;
      return parsing('R parse strace', file, options);
    },
  },
  { name: 'R replay', measure: replaying },
];

/** Text in memory to events, in the pieces in which files are read. */
async function parsing(name: string, file: string, options: RecordingOptions): Promise<RecordingResult[]> {
  const once = gunzipSync(readFileSync(file));
  const text = Buffer.concat(new Array<Buffer>(Math.ceil(TEXT_BYTES / once.length)).fill(once));
  let count = 0;
  const times = await repeat(options, async () => {
    const start = performance.now();
    const recording = await openRecording(pieces(text));
    for await (const batch of recording) if (batch.length === 0) break;
    count = recording.report.lines;
    return performance.now() - start;
  });
  return [{ name, unit: 'lines', count, perSecond: (1000 * count) / median(times) }];
}

/** Runs `body` until the engine has compiled what it needs, and then as often as asked. */
async function repeat<T>(options: RecordingOptions, body: () => Promise<T>): Promise<T[]> {
  const start = performance.now();
  do await body();
  while (performance.now() - start < 1000 * options.warmUpSeconds);
  const results: T[] = [];
  for (let i = 0; i < options.repetitions; i++) results.push(await options.calm.measureAsync(body));
  return results;
}

async function* pieces(text: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += PIECE_BYTES) yield text.subarray(at, at + PIECE_BYTES);
}

/** The whole of `vmakit replay` on the compactor, checks included; and the model's part: without reading. */
async function replaying(options: RecordingOptions): Promise<RecordingResult[]> {
  let count = 0;
  const times = await repeat(options, async () => {
    const start = performance.now();
    ({ events: count } = await replayRecording({ input: COMPACTOR }));
    const between = performance.now();
    for await (const batch of await openRecording(`${COMPACTOR}/perf.txt.gz`)) if (batch.length === 0) break;
    return { whole: between - start, reading: performance.now() - between };
  });
  const total = median(times.map(({ whole }) => whole));
  const reading = median(times.map((time) => time.reading));
  const result = (name: string, milliseconds: number): RecordingResult => {
    return { name, unit: 'events', count, perSecond: (1000 * count) / milliseconds };
  };
  return [result('R replay', total), result('R replay, the model', total - reading)];
}
