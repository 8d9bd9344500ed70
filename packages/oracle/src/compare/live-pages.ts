import type { RecordReader } from '../driver/record-reader.js';
import * as protocol from '../driver/protocol.js';

/** Steps through the pages of a process state, run by run, page by page. */
export class LivePages {
  #words: Uint32Array = new Uint32Array(0);
  #at = 0;
  #end = 0;
  #inRun = 0;

  /** The current page, relative to the window; -1 after the last. */
  page = -1;
  frame = 0;
  bits = 0;
  /** First byte of the page; -1: it was not read. */
  content = -1;
  mapcount = 0;
  frameFlags = 0;

  /** Goes to the first page of the state at which `reader` stands. */
  open(reader: RecordReader): void {
    this.#words = reader.words;
    this.#at = reader.runsAt;
    this.#end = reader.runsAt + reader.runs * protocol.RUN_WORDS;
    this.#load();
  }

  advance(): void {
    if (this.#inRun + 1 < (this.#words[this.#at + 1] ?? 0)) {
      this.#inRun++;
      this.page++;
      this.frame++;
      return;
    }
    this.#at += protocol.RUN_WORDS;
    this.#load();
  }

  /** The current page for a message. */
  describe(): string {
    if (this.page < 0) return 'no page';
    if ((this.bits & protocol.ENTRY_GUARD) !== 0) return 'a guard marker';
    if ((this.bits & protocol.ENTRY_PRESENT) === 0) return 'a swap entry or marker';
    return this.content < 0 ? 'a page' : `a page with ${this.content}`;
  }

  #load(): void {
    this.#inRun = 0;
    if (this.#at >= this.#end) {
      this.page = -1;
      return;
    }
    const words = this.#words;
    this.page = words[this.#at] ?? 0;
    this.frame = words[this.#at + 2] ?? 0;
    this.bits = words[this.#at + 3] ?? 0;
    this.mapcount = words[this.#at + 4] ?? 0;
    this.frameFlags = words[this.#at + 5] ?? 0;
    const read = (this.bits & protocol.ENTRY_CONTENT) !== 0;
    this.content = read ? (this.bits >>> protocol.ENTRY_CONTENT_SHIFT) & 0xff : -1;
  }
}
