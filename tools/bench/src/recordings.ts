import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { replayRecording } from '@vmakit/replay';
import { openRecording } from '@vmakit/trace';
import type { Calm } from './calm.js';
import { median } from './measure.js';

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
  readonly measure: (repetitions: number, calm: Calm) => Promise<RecordingResult[]>;
}

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
  { name: 'R parse perf', measure: (times, calm) => parsing('R parse perf', `${COMPACTOR}/perf.txt.gz`, times, calm) },
  {
    name: 'R parse strace',
    measure: (times, calm) => {
      const file = STRACES.find((candidate) => existsSync(candidate)) as string;
      return parsing('R parse strace', file, times, calm);
    },
  },
  { name: 'R replay', measure: replaying },
];

/** Text in memory to events, in the pieces in which files are read. */
async function parsing(name: string, file: string, repetitions: number, calm: Calm): Promise<RecordingResult[]> {
  const once = gunzipSync(readFileSync(file));
  const text = Buffer.concat(new Array<Buffer>(Math.ceil(TEXT_BYTES / once.length)).fill(once));
  let count = 0;
  const seconds: number[] = [];
  for (let i = 0; i <= repetitions; i++) {
    const took = await calm.measureAsync(async () => {
      const start = performance.now();
      const recording = await openRecording(pieces(text));
      for await (const batch of recording) if (batch.length === 0) break;
      count = recording.report.lines;
      return performance.now() - start;
    });
    if (i > 0) seconds.push(took / 1000);
  }
  return [{ name, unit: 'lines', count, perSecond: count / median(seconds) }];
}

async function* pieces(text: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += PIECE_BYTES) yield text.subarray(at, at + PIECE_BYTES);
}

/** The whole of `vmakit replay` on the compactor, checks included; and the model's part: without reading. */
async function replaying(repetitions: number, calm: Calm): Promise<RecordingResult[]> {
  let count = 0;
  const whole: number[] = [];
  const reading: number[] = [];
  for (let i = 0; i <= repetitions; i++) {
    const [all, parts] = await calm.measureAsync(async () => {
      const start = performance.now();
      ({ events: count } = await replayRecording({ input: COMPACTOR }));
      const between = performance.now();
      for await (const batch of await openRecording(`${COMPACTOR}/perf.txt.gz`)) if (batch.length === 0) break;
      return [between - start, performance.now() - between] as const;
    });
    if (i === 0) continue;
    whole.push(all / 1000);
    reading.push(parts / 1000);
  }
  const total = median(whole);
  const result = (name: string, seconds: number): RecordingResult => {
    return { name, unit: 'events', count, perSecond: count / seconds };
  };
  return [result('R replay', total), result('R replay, the model', total - median(reading))];
}
