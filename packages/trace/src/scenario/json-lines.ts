import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Gunzip, createGunzip } from 'node:zlib';
import { type SourcePlace, formatError } from './format-error.js';
import { type JsonObject, isJsonObject, shown } from './json-fields.js';

/** One line of a JSON Lines file, parsed. */
export interface JsonLine {
  /** From 1. */
  readonly line: number;
  readonly object: JsonObject;
}

/** Longest line that is taken: the state of a full window of single pages is far below. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024;

/**
 * Reads a JSON Lines file or stream line by line, plain or gzip (recognised by its first bytes). Lines that hold
 * nothing but blanks are passed over; anything else that is not a JSON object is refused.
 *
 * @param file name for messages; read when `input` is not given
 * @throws ScenarioFormatError for a file that cannot be read, a broken gzip stream, a line that is no JSON object
 */
export async function* readJsonLines(file: string, input?: Readable): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const text of readLines(file, input)) {
    line++;
    if (text.trim() !== '') yield { line, object: parseJsonLine(text, { file, line }) };
  }
}

/** Reads one line of text as a JSON object. */
export function parseJsonLine(text: string, place: SourcePlace): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw formatError(place, `expected one JSON object on the line, found ${shownText(text)}`);
  }
  if (!isJsonObject(value)) throw formatError(place, `expected one JSON object on the line, found ${shown(value)}`);
  return value;
}

function shownText(text: string): string {
  // Control characters would disturb the terminal that shows the message.
  const printable = text.slice(0, 60).replace(/[\u0000-\u001f\u007f-\u009f]/g, '.');
  return text.length > 60 ? `${printable}...` : printable;
}

async function* readLines(file: string, input: Readable | undefined): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  let line = 1;
  try {
    for await (const chunk of decompressed(input ?? createReadStream(file, { highWaterMark: 1 << 18 }))) {
      const text = pending + decoder.decode(chunk, { stream: true });
      let begin = 0;
      for (let end = text.indexOf('\n', pending.length); end >= 0; end = text.indexOf('\n', begin)) {
        yield text.slice(begin, end);
        begin = end + 1;
        line++;
      }
      pending = text.slice(begin);
      if (pending.length > MAX_LINE_CHARACTERS) {
        throw formatError({ file, line }, 'expected lines of JSON, found no line end');
      }
    }
  } catch (error) {
    throw readable(error, { file, line });
  }
  pending += decoder.decode();
  if (pending !== '') yield pending;
}

/** Passes the bytes through, gunzipped when they begin as gzip does. */
async function* decompressed(input: Readable): AsyncGenerator<Uint8Array> {
  let gunzip: Gunzip | null = null;
  const iterator = (input as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  if (first.value[0] === 0x1f && first.value[1] === 0x8b) gunzip = createGunzip({ chunkSize: 1 << 18 });
  if (gunzip === null) {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
    return;
  }
  const feeding = feed(gunzip, first.value, iterator);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } finally {
    gunzip.destroy();
    input.destroy();
    await feeding;
  }
}

async function feed(gunzip: Gunzip, first: Uint8Array, rest: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    let next: IteratorResult<Uint8Array> = { value: first, done: false };
    while (next.done !== true) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(next.value)) await drained(gunzip);
      next = await rest.next();
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error as Error);
  }
}

function drained(gunzip: Gunzip): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      gunzip.off('drain', done).off('close', done);
      resolve();
    };
    gunzip.once('drain', done).once('close', done);
  });
}

/** Turns what the system or zlib says into a sentence with file and line. */
function readable(error: unknown, place: SourcePlace): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const file = { file: place.file, line: 0 };
  if (code === 'ENOENT') return formatError(file, 'expected a scenario file, there is no file of this name');
  if (code === 'EISDIR') return formatError(file, 'expected a scenario file, found a folder');
  if (code === 'EACCES' || code === 'EPERM') return formatError(file, 'expected a readable file, permission denied');
  if (code === 'Z_BUF_ERROR') return formatError(place, 'expected more data, the gzip stream is cut off here');
  if (code?.startsWith('Z_') === true) return formatError(place, 'expected gzip data, the stream is damaged here');
  return error;
}
