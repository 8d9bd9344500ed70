import type { RecordedEvent } from './events.js';
import type { RecordingClock, RecordingFormat } from './recording.js';

/** Turns the lines of one text format into events. */
export interface LineParser {
  readonly format: RecordingFormat;
  readonly clock: RecordingClock;
  /** Kernel release, once a line has named it. */
  readonly kernel: string | null;
  /** Takes the line `bytes[start, end)`, without its line feed. The bytes are not kept. */
  parseLine(bytes: Uint8Array, start: number, end: number, line: number): void;
  /** No more lines come. */
  finish(): void;
  /** The events since the last call, in order. */
  take(): RecordedEvent[];
}
