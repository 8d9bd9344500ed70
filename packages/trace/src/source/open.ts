import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { RecordedEvent } from '../events.js';
import { findRecording } from '../folder/find.js';
import type { RecordingOptions, Recording, RecordingClock, RecordingFormat, RecordingReport } from '../recording.js';
import { asInputError } from './input-error.js';
import { SAMPLE_BYTES, isGzip } from './recognise.js';
import { startSession } from './session.js';
import type { Session } from './session.js';

/** Bytes read, inflated and parsed at a time; one batch of events each. */
const CHUNK = 1 << 18;

/** A path, `-` for stdin, or the bytes themselves in pieces. A folder stands for the recording in it. */
export type RecordingInput = string | AsyncIterable<Uint8Array>;

/**
 * Opens a recording, plain or gzip, and recognises its format by its content.
 *
 * Memory does not grow with the input. Lines that cannot be understood are counted and reported; the rest goes on.
 *
 * @throws {@link TraceInputError} when the input cannot be read or is no recording; also while iterating, when a gzip
 * file turns out to be cut off or damaged (the events before that have been given).
 */
export async function openRecording(input: RecordingInput, options: RecordingOptions = {}): Promise<Recording> {
  const path = typeof input === 'string' && input !== '-' ? await findRecording(input) : null;
  const file = options.name ?? path ?? '-';
  const bytesTotal = path === null ? null : await sizeOf(path, file);
  const source = new ByteSource(path, input);
  try {
    const sample = await source.sample();
    const session = startSession(file, sample, options);
    return new OpenRecording(session, source, bytesTotal);
  } catch (error) {
    await source.close();
    throw asInputError(file, error);
  }
}

/**
 * The batches of a recording, for the shortest use: `for await (const batch of readRecording('strace.txt.gz'))`.
 *
 * @throws the same as {@link openRecording}.
 */
export async function* readRecording(
  input: RecordingInput,
  options: RecordingOptions = {},
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  yield* await openRecording(input, options);
}

async function sizeOf(path: string, file: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw asInputError(file, error);
  }
}

/** The bytes of an input, inflated, with a look at the beginning before the rest is read. */
class ByteSource {
  /** Bytes taken from the input, before inflating. */
  bytesRead = 0;
  private readonly raw: Readable;
  private chunks: AsyncIterator<Uint8Array> | null = null;
  private ahead: Uint8Array[] = [];

  constructor(path: string | null, input: RecordingInput) {
    if (path !== null) this.raw = createReadStream(path, { highWaterMark: CHUNK });
    else this.raw = typeof input === 'string' ? process.stdin : Readable.from(input);
  }

  /** The first bytes after inflating: at least 64 KiB unless the input is shorter. They are still part of `read`. */
  async sample(): Promise<Uint8Array> {
    const raw = this.counted();
    const first = await raw.next();
    if (first.done === true) return new Uint8Array(0);
    this.chunks = isGzip(first.value) ? inflate(prepend(first.value, raw)) : prepend(first.value, raw);
    let length = 0;
    while (length < SAMPLE_BYTES) {
      const next = await this.chunks.next();
      if (next.done === true) break;
      this.ahead.push(next.value);
      length += next.value.length;
    }
    return this.ahead.length === 1 ? (this.ahead[0] as Uint8Array) : Buffer.concat(this.ahead);
  }

  /** All chunks from the beginning. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    const ahead = this.ahead;
    this.ahead = [];
    yield* ahead;
    while (this.chunks !== null) {
      const next = await this.chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  }

  async close(): Promise<void> {
    await this.chunks?.return?.();
    this.raw.destroy();
  }

  private async *counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.raw as AsyncIterable<Uint8Array>) {
      this.bytesRead += chunk.length;
      yield chunk;
    }
  }
}

async function* prepend(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  yield* rest;
}

async function* inflate(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  // The callback keeps an error from being uncaught; iterating over the stream throws it.
  pipeline(Readable.from(compressed, { objectMode: true, highWaterMark: 2 }), gunzip, () => undefined);
  yield* gunzip as AsyncIterable<Uint8Array>;
}

class OpenRecording implements Recording {
  readonly bytesTotal: number | null;
  private readonly session: Session;
  private readonly source: ByteSource;
  private begun = false;

  constructor(session: Session, source: ByteSource, bytesTotal: number | null) {
    this.session = session;
    this.source = source;
    this.bytesTotal = bytesTotal;
  }

  get file(): string {
    return this.session.tally.file;
  }

  get format(): RecordingFormat {
    return this.session.parser.format;
  }

  get clock(): RecordingClock {
    return this.session.parser.clock;
  }

  get kernel(): string | null {
    return this.session.parser.kernel;
  }

  get report(): RecordingReport {
    return this.session.tally;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
    if (this.begun) throw new TypeError('recording: can be iterated over once; open it again');
    this.begun = true;
    const { session, source } = this;
    const { tally } = session;
    try {
      for await (const chunk of source.read()) {
        tally.bytesRead = source.bytesRead;
        const events = session.push(chunk);
        if (events.length > 0) yield events;
      }
      const last = session.end();
      if (last.length > 0) yield last;
    } catch (error) {
      throw asInputError(this.file, error, tally.lines);
    } finally {
      await source.close();
    }
  }
}
