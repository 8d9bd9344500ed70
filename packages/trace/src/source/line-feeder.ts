import { LF, plainBytes } from '../bytes/cursor.js';
import type { LineParser } from '../line-parser.js';
import type { Tally } from './tally.js';

/** A longer line is not text of a recorder; it is counted as malformed and not kept in memory. */
export const LONGEST_LINE: number = 1 << 20;

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

  push(given: Uint8Array): void {
    const chunk = plainBytes(given);
    const { parser, tally } = this;
    let start = 0;
    if (this.carry !== null || this.skipping) start = this.finishLine(chunk);
    for (;;) {
      const stop = chunk.indexOf(LF, start);
      if (stop < 0) break;
      parser.parseLine(chunk, start, stop, ++tally.lines);
      start = stop + 1;
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
  }

  /** The last line need not end in a line feed. */
  end(): void {
    const { carry } = this;
    this.carry = null;
    if (carry !== null) this.parser.parseLine(carry, 0, carry.length, ++this.tally.lines);
    this.parser.finish();
  }

  /** Parses the line that an earlier chunk began, if it ends in this one; gives where the next line starts. */
  private finishLine(chunk: Uint8Array): number {
    const stop = chunk.indexOf(LF);
    if (stop < 0) return 0;
    if (this.skipping) {
      this.skipping = false;
      return stop + 1;
    }
    const line = plainBytes(Buffer.concat([this.carry as Uint8Array, chunk.subarray(0, stop)]));
    this.carry = null;
    this.parser.parseLine(line, 0, line.length, ++this.tally.lines);
    return stop + 1;
  }

  /** Keeps the beginning of a line, unless it is too long to be one. */
  private keep(rest: Uint8Array): void {
    if (this.skipping) return;
    const line = this.carry === null ? rest : plainBytes(Buffer.concat([this.carry, rest]));
    this.carry = line.length <= LONGEST_LINE ? line : null;
    if (this.carry !== null) return;
    this.skipping = true;
    this.tally.refuse(++this.tally.lines, 'a line of text, at most 1 MiB long', line, 0, line.length);
  }
}
