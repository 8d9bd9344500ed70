import type { Diagnostic, RecordingReport } from '../recording.js';

const EXCERPT = 120;

/** The report of a recording, with the writers that the line parsers use. */
export class Tally implements RecordingReport {
  bytesRead = 0;
  lines = 0;
  ignored = 0;
  malformed = 0;
  readonly diagnostics: Diagnostic[] = [];
  events = 0;
  unpaired = 0;
  unfinished = 0;
  lost = 0;
  /** Name of the input in events and diagnostics; changes between the files of one recording. */
  file: string;
  private readonly maxDiagnostics: number;

  constructor(file: string, maxDiagnostics: number) {
    this.file = file;
    this.maxDiagnostics = maxDiagnostics;
  }

  /** Counts a line that was not understood and keeps the first ones. */
  refuse(line: number, expected: string, bytes: Uint8Array, start: number, end: number): void {
    this.malformed++;
    if (this.diagnostics.length >= this.maxDiagnostics) return;
    this.diagnostics.push({ file: this.file, line, expected, text: excerpt(bytes, start, end) });
  }
}

/** Printable beginning of a line. */
export function excerpt(bytes: Uint8Array, start: number, end: number): string {
  const cut = Math.min(end, start + EXCERPT);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, cut - start).toString('utf8');
  return text.replace(/[\u0000-\u001f\u007f-\u009f\ufffd]/g, '\u00b7') + (cut < end ? '\u2026' : '');
}
