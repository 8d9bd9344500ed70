import { stat } from 'node:fs/promises';
import type { RecordedEvent } from '../events.js';
import { findInput } from '../folder/find.js';
import type { ThreadFile } from '../folder/find.js';
import type { RecordingOptions, Recording, RecordingClock, RecordingFormat, RecordingReport } from '../recording.js';
import { ByteSource } from './byte-source.js';
import { TraceInputError, asInputError } from './input-error.js';
import { startSession } from './session.js';
import type { Session } from './session.js';
import { readThreads } from './threads.js';

/** A path, `-` for stdin, or the bytes themselves in pieces. A folder stands for the recording in it. */
export type RecordingInput = string | AsyncIterable<Uint8Array>;

type Batches = AsyncGenerator<RecordedEvent[], void, undefined>;

/**
 * Opens a recording, plain or gzip, and recognises its format by its content. For the files of `strace -ff -o PREFIX`
 * give PREFIX.
 *
 * Memory does not grow with the input. Lines that cannot be understood are counted and reported; the rest goes on.
 *
 * @throws {@link TraceInputError} when the input cannot be read or is no recording; also while iterating, when a gzip
 * file turns out to be cut off or damaged (the events before that have been given).
 */
export async function openRecording(input: RecordingInput, options: RecordingOptions = {}): Promise<Recording> {
  const isPath = typeof input === 'string' && input !== '-';
  const found = isPath ? await findInput(input) : null;
  const file = options.name ?? found?.path ?? '-';
  const threads = found?.threads ?? null;
  if (threads !== null) return openThreads(file, threads, options);
  const path = found?.path ?? null;
  const bytesTotal = path === null ? null : await sizeOf(path, file);
  const source = new ByteSource(path, input);
  try {
    const session = startSession(file, await source.sample(), options);
    return new OpenRecording(file, session, bytesTotal, () => readSource(session, source));
  } catch (error) {
    await source.close();
    throw asInputError(file, error);
  }
}

async function openThreads(
  file: string,
  threads: readonly ThreadFile[],
  options: RecordingOptions,
): Promise<Recording> {
  const sizes = await Promise.all(threads.map(({ path }) => sizeOf(path, path)));
  const bytesTotal = sizes.reduce((total, size) => total + size, 0);
  if (bytesTotal === 0) throw new TraceInputError(file, 'the files of the threads are empty');
  const session = startSession(file, new Uint8Array(0), { ...options, format: 'strace' });
  return new OpenRecording(file, session, bytesTotal, () => readThreads(session, threads));
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

async function* readSource(session: Session, source: ByteSource): Batches {
  const { tally } = session;
  try {
    for await (const chunk of source.read()) {
      tally.bytesRead = source.bytesRead;
      yield session.push(chunk);
    }
    yield session.end();
  } catch (error) {
    throw asInputError(tally.file, error, tally.lines);
  } finally {
    await source.close();
  }
}

class OpenRecording implements Recording {
  readonly file: string;
  readonly bytesTotal: number | null;
  private readonly session: Session;
  private batches: (() => Batches) | null;

  constructor(file: string, session: Session, bytesTotal: number | null, batches: () => Batches) {
    this.file = file;
    this.session = session;
    this.bytesTotal = bytesTotal;
    this.batches = batches;
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
    const { batches } = this;
    if (batches === null) throw new TypeError('recording: can be iterated over once; open it again');
    this.batches = null;
    for await (const events of batches()) {
      if (events.length > 0) yield events;
    }
  }
}
