import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { TraceInputError, asInputError } from '../source/input-error.js';
import { isGzip } from '../source/recognise.js';
import type { MapsEntry } from './entry.js';
import { parseMaps } from './parse-maps.js';

const inflate = promisify(gunzip);

/**
 * Reads a `maps` or `smaps` file, plain or gzip.
 *
 * @throws {@link TraceInputError} when it cannot be read, is empty, or has a line of another form.
 */
export async function readMaps(path: string): Promise<MapsEntry[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
    if (isGzip(bytes)) bytes = await inflate(bytes);
  } catch (error) {
    throw asInputError(path, error);
  }
  if (bytes.length === 0) throw new TraceInputError(path, 'the listing is empty');
  return parseMaps(bytes.toString('utf8'), path);
}
