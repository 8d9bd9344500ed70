import { Cursor, LF, plainBytes } from '../bytes/cursor.js';
import type { RecordedEvent } from '../events.js';
import type { ThreadFile } from '../folder/find.js';
import { StraceHead } from '../strace/head.js';
import { ByteSource } from './byte-source.js';
import { TraceInputError, asInputError } from './input-error.js';
import { LONGEST_LINE } from './line-feeder.js';
import type { Session } from './session.js';

/** So many lines make a batch. */
const BATCH = 4096;
/** Calls whose effect counts from their start: what they give back, and whom they make. */
const EARLY = /^(?:munmap|fork|vfork|clone|clone3)\(/;
const SPENT = /<(\d+\.\d+)>$/;

/**
 * Reads the files of `strace -ff`, one per thread, as one recording: the lines in the order of their times. A call is
 * printed as a whole with the time of its start; with `-T` it takes its place at its end, except for `munmap` and the
 * calls that make tasks.
 */
export async function* readThreads(
  session: Session,
  files: readonly ThreadFile[],
): AsyncGenerator<RecordedEvent[], void, undefined> {
  const { tally, parser } = session;
  const readers = files.map((file) => new ThreadReader(file));
  try {
    for (const reader of readers) await reader.advance();
    let lines = 0;
    for (let next = earliest(readers); next !== null; next = earliest(readers)) {
      const bytes = next.prefixedLine();
      tally.lines++;
      tally.file = next.file.path;
      parser.parseLine(bytes, 0, bytes.length, next.line);
      await next.advance();
      if (++lines % BATCH !== 0) continue;
      tally.bytesRead = readers.reduce((total, reader) => total + reader.bytesRead, 0);
      yield session.take();
    }
    tally.bytesRead = readers.reduce((total, reader) => total + reader.bytesRead, 0);
    yield session.end();
  } finally {
    for (const reader of readers) await reader.close();
  }
}

function earliest(readers: readonly ThreadReader[]): ThreadReader | null {
  let first: ThreadReader | null = null;
  for (const reader of readers) {
    if (!reader.done && (first === null || reader.key < first.key)) first = reader;
  }
  return first;
}

/** The lines of one file, one ahead. */
class ThreadReader {
  readonly file: ThreadFile;
  /** Number of the present line. */
  line = 0;
  /** Where the present line belongs, in seconds. */
  key: number = -Infinity;
  done = false;
  private readonly source: ByteSource;
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly head = new StraceHead();
  private readonly cursor = new Cursor();
  private readonly prefix: Uint8Array;
  private rest: Uint8Array = new Uint8Array(0);
  private present: Uint8Array = new Uint8Array(0);

  constructor(file: ThreadFile) {
    this.file = file;
    this.source = new ByteSource(file.path);
    this.chunks = this.source.all();
    this.prefix = Buffer.from(`${file.tid} `);
  }

  get bytesRead(): number {
    return this.source.bytesRead;
  }

  /** The present line as `strace -f -o` would have printed it. */
  prefixedLine(): Uint8Array {
    return plainBytes(Buffer.concat([this.prefix, this.present]));
  }

  /** Goes to the next line. */
  async advance(): Promise<void> {
    try {
      while (!this.takeLine()) {
        const next = await this.chunks.next();
        if (next.done === true) {
          this.present = this.rest;
          this.done = this.rest.length === 0;
          this.rest = new Uint8Array(0);
          break;
        }
        this.rest = plainBytes(this.rest.length === 0 ? next.value : Buffer.concat([this.rest, next.value]));
      }
    } catch (error) {
      throw asInputError(this.file.path, error, this.line);
    }
    if (this.done) return;
    this.line++;
    this.place();
  }

  async close(): Promise<void> {
    await this.source.close();
  }

  private takeLine(): boolean {
    const found = this.rest.indexOf(LF);
    if (found < 0 && this.rest.length <= LONGEST_LINE) return false;
    const stop = found < 0 ? this.rest.length : found;
    this.present = this.rest.subarray(0, stop);
    this.rest = this.rest.subarray(stop + 1);
    return true;
  }

  /** Works out {@link key}; a line without a time of its own belongs where the line before it was. */
  private place(): void {
    const { cursor, head, present } = this;
    cursor.reset(present, 0, present.length);
    head.read(cursor);
    if (this.line === 1 && (head.clock === 'none' || head.clock === 'relative')) {
      const problem = 'one of the files of strace -ff, which can be put in order only with times (-ttt or -tt)';
      throw new TraceInputError(this.file.path, problem, 1);
    }
    if (Number.isNaN(head.time)) return;
    const text = cursor.text(cursor.pos, cursor.end);
    const spent = EARLY.test(text) ? undefined : SPENT.exec(text)?.[1];
    this.key = Math.max(this.key, head.time + Number(spent ?? 0));
  }
}
