/** Puts frames (`[bytes that follow]`, then as many bytes of 32-bit words) together from chunks of any size. */
export class FrameAssembler {
  #bytes: Uint8Array = new Uint8Array(1 << 16);
  #have = 0;

  /** Takes a chunk and calls `deliver` for each frame that is complete with it; the words belong to the receiver. */
  add(chunk: Uint8Array, deliver: (words: Uint32Array) => void): void {
    this.#reserve(this.#have + chunk.length);
    this.#bytes.set(chunk, this.#have);
    this.#have += chunk.length;
    let at = 0;
    while (this.#have - at >= 4) {
      const length = new DataView(this.#bytes.buffer, at, 4).getUint32(0, true);
      if (this.#have - at - 4 < length) break;
      deliver(new Uint32Array(this.#bytes.buffer.slice(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    this.#bytes.copyWithin(0, at, this.#have);
    this.#have -= at;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    let size = this.#bytes.length;
    while (size < bytes) size *= 2;
    const larger = new Uint8Array(size);
    larger.set(this.#bytes.subarray(0, this.#have));
    this.#bytes = larger;
  }
}
