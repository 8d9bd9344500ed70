import { copiedInto } from '@vmakit/base';

/** Frames that the arrays hold at first: a small kernel costs some 26 KiB. */
const INITIAL_FRAMES = 1024;
/** Up to here the arrays double; after that they grow by half, so that a large memory wastes less. */
const DOUBLING_LIMIT = 1 << 16;

/**
 * What is known of each frame, a struct of arrays by frame number: 26 bytes a frame.
 *
 * **The arrays are replaced when memory grows.** Never keep one in a variable across an allocation.
 */
export class FrameTable {
  /** `PG_…` bits. */
  flags: Uint16Array = new Uint16Array(INITIAL_FRAMES);
  /** Order of the folio a page belongs to, the same on each of its pages. The head is `frame - frame % 2**order`. */
  order: Uint8Array = new Uint8Array(INITIAL_FRAMES);
  /** PTEs that map this very page; 0: none. PMD maps of a large folio are counted apart. */
  mapcount: Int32Array = new Int32Array(INITIAL_FRAMES);
  /** Of a head: references. Of tails of a large folio: see `large-folio.ts`. Of free blocks: the previous block. */
  refcount: Int32Array = new Int32Array(INITIAL_FRAMES);
  /** Of a head: anon_vma id (> 0), file (its id, negative) or 0. Of tails: see above. Of free frames: the next one. */
  mapping: Int32Array = new Int32Array(INITIAL_FRAMES);
  /** Of a head: page offset of its first page. Of tails: see above. */
  index: Float64Array = new Float64Array(INITIAL_FRAMES);
  /** First byte of the page; the rest of every page is zero. */
  content: Uint8Array = new Uint8Array(INITIAL_FRAMES);
  /** Of a head: goes up when the folio is freed, so that (frame, generation) names a folio for ever. */
  generation: Uint16Array = new Uint16Array(INITIAL_FRAMES);

  /** Frames that the arrays have room for. */
  get capacity(): number {
    return this.flags.length;
  }

  /** Makes room for frames below `frames`. */
  reserve(frames: number): void {
    let capacity = this.flags.length;
    if (frames <= capacity) return;
    while (capacity < frames) capacity += capacity < DOUBLING_LIMIT ? capacity : capacity >>> 1;
    this.flags = copiedInto(new Uint16Array(capacity), this.flags);
    this.order = copiedInto(new Uint8Array(capacity), this.order);
    this.mapcount = copiedInto(new Int32Array(capacity), this.mapcount);
    this.refcount = copiedInto(new Int32Array(capacity), this.refcount);
    this.mapping = copiedInto(new Int32Array(capacity), this.mapping);
    this.index = copiedInto(new Float64Array(capacity), this.index);
    this.content = copiedInto(new Uint8Array(capacity), this.content);
    this.generation = copiedInto(new Uint16Array(capacity), this.generation);
  }
}
