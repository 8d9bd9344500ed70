import { LF } from '../bytes/cursor.js';
import type { LineParser } from '../line-parser.js';
import type { Tally } from './tally.js';

/** A longer line is not text of a recorder; it is counted as malformed and not kept in memory. */
const LONGEST_LINE = 1 << 20;

/** Cuts chunks of bytes into lines for a parser. At most one line of carried bytes is held between chunks. */
export class LineFeeder {
  private readonly parser: LineParser;
  private readonly tally: Tally;
  private carry: Uint8Array | null = null;
  private skipping = false;

  constructor(parser: LineParser, tally: Tally) {
    this.parser = parser;
    this.tally = tally;
  }

  push(chunk: Uint8Array): void {
    const bytes = this.carry === null ? chunk : Buffer.concat([this.carry, chunk]);
    this.carry = null;
    const { parser, tally } = this;
    let start = 0;
    for (;;) {
      const stop = bytes.indexOf(LF, start);
      if (stop < 0) break;
      if (this.skipping) this.skipping = false;
      else parser.parseLine(bytes, start, stop, ++tally.lines);
      start = stop + 1;
    }
    this.keep(bytes, start);
  }

  /** The last line need not end in a line feed. */
  end(): void {
    const { carry } = this;
    this.carry = null;
    if (carry !== null && !this.skipping) this.parser.parseLine(carry, 0, carry.length, ++this.tally.lines);
    this.parser.finish();
  }

  private keep(bytes: Uint8Array, start: number): void {
    const length = bytes.length - start;
    if (length === 0 || this.skipping) return;
    if (length <= LONGEST_LINE) {
      this.carry = bytes.subarray(start);
      return;
    }
    this.tally.refuse(++this.tally.lines, 'a line of text, at most 1 MiB long', bytes, start, bytes.length);
    this.skipping = true;
  }
}
