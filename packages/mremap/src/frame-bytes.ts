/** Frames from which on it pays to compare their array as bytes: a comparison costs as much as a short loop. */
export const MANY_FRAMES = 96;

const NONE = new Int32Array();

/** The bytes of one of the arrays by frame number. */
export class FrameBytes {
  #array: Uint16Array | Int32Array = NONE;
  #bytes: Buffer = Buffer.from(NONE.buffer);

  /** Whether [first, first + count) of `array` are equal: each is compared with the next, so nothing else is read. */
  areEqual(array: Uint16Array | Int32Array, first: number, count: number): boolean {
    // It is exchanged for a larger one as the memory in use grows.
    if (this.#array !== array) this.#take(array);
    const size = array.BYTES_PER_ELEMENT;
    const from = first * size;
    const end = from + count * size;
    return this.#bytes.compare(this.#bytes, from + size, end, from, end - size) === 0;
  }

  #take(array: Uint16Array | Int32Array): void {
    this.#array = array;
    this.#bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  }
}
