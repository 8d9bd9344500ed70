import { createReadStream } from 'node:fs';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SAMPLE_BYTES, isGzip } from './recognise.js';

/** Bytes read and inflated at a time. */
const CHUNK = 1 << 18;

/** The bytes of an input, inflated, with a look at the beginning before the rest is read. */
export class ByteSource {
  /** Bytes taken from the input, before inflating. */
  bytesRead = 0;
  private readonly raw: Readable;
  private chunks: AsyncIterator<Uint8Array> | null = null;
  private ahead: Uint8Array[] = [];

  /** Reads the file `path`, else the given pieces, or stdin for `-`. */
  constructor(path: string | null, input: string | AsyncIterable<Uint8Array> = '-') {
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

  /** {@link read} without a look ahead. */
  async *all(): AsyncGenerator<Uint8Array, void, undefined> {
    await this.sample();
    yield* this.read();
  }

  /** All chunks from the beginning, after {@link sample}. */
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
