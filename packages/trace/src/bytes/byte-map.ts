import { plainBytes } from './cursor.js';

const SEED = 0x811c9dc5 | 0;
const PRIME = 0x01000193;
const LONGEST_KEY = 512;
/** About so many bytes of a key go into its hash: the keys are compared in full anyway. */
const SAMPLES_LOG2 = 4;

/** Hash of `bytes[start, end)`: FNV-1a over the length and a sample of the bytes, the last one included. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const stride = (length >> SAMPLES_LOG2) + 1;
  let hash = SEED ^ length;
  for (let i = end - 1; i >= start; i -= stride) hash = Math.imul(hash ^ (bytes[i] as number), PRIME);
  return hash ^ (hash >>> 15);
}

/**
 * A map from byte strings to values, looked up by a slice of a buffer: no string is made for a key that is known.
 * Open addressing, power-of-two capacity, at most half full. Input decides what the keys are, so memory is bounded:
 * after `limit` entries new keys are not kept, and neither are keys of more than 512 bytes.
 */
export class ByteMap<Value> {
  private keys: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(64).fill(undefined);
  private hashes = new Int32Array(64);
  private values: (Value | undefined)[] = new Array<Value | undefined>(64).fill(undefined);
  private size = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get(bytes: Uint8Array, start: number, end: number): Value | undefined {
    const { keys, hashes } = this;
    const hash = hashBytes(bytes, start, end);
    const mask = keys.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const key = keys[slot];
      if (key === undefined) return undefined;
      if (hashes[slot] === hash && equals(key, bytes, start, end)) return this.values[slot];
    }
  }

  /** Adds a key that is not there yet; its bytes are copied. */
  add(bytes: Uint8Array, start: number, end: number, value: Value): void {
    if (this.size >= this.limit || end - start > LONGEST_KEY) return;
    if (this.size * 2 >= this.keys.length) this.grow();
    this.insert(new Uint8Array(bytes.subarray(start, end)), hashBytes(bytes, start, end), value);
    this.size++;
  }

  /** {@link add} for an ASCII key. */
  addText(text: string, value: Value): void {
    const bytes = plainBytes(Buffer.from(text, 'latin1'));
    this.add(bytes, 0, bytes.length, value);
  }

  private insert(key: Uint8Array, hash: number, value: Value | undefined): void {
    const mask = this.keys.length - 1;
    let slot = hash & mask;
    while (this.keys[slot] !== undefined) slot = (slot + 1) & mask;
    this.keys[slot] = key;
    this.hashes[slot] = hash;
    this.values[slot] = value;
  }

  private grow(): void {
    const { keys, hashes, values } = this;
    const capacity = keys.length * 2;
    this.keys = new Array<Uint8Array | undefined>(capacity).fill(undefined);
    this.hashes = new Int32Array(capacity);
    this.values = new Array<Value | undefined>(capacity).fill(undefined);
    for (const [slot, key] of keys.entries()) {
      if (key !== undefined) this.insert(key, hashes[slot] as number, values[slot]);
    }
  }
}

function equals(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = key.length;
  if (length !== end - start) return false;
  for (let i = 0; i < length; i++) {
    if (key[i] !== bytes[start + i]) return false;
  }
  return true;
}

/** Strings for slices of UTF-8 bytes, made once per distinct slice. */
export class StringPool {
  private readonly map: ByteMap<string>;

  constructor(limit: number) {
    this.map = new ByteMap(limit);
  }

  get(bytes: Uint8Array, start: number, end: number): string {
    const known = this.map.get(bytes, start, end);
    if (known !== undefined) return known;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
    this.map.add(bytes, start, end, text);
    return text;
  }
}
