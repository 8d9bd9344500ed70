import type { RecordedEvent } from '../events.js';
import type { LineParser } from '../line-parser.js';
import { PerfParser } from '../perf/perf-parser.js';
import type { RecordingOptions, RecordingFormat } from '../recording.js';
import { StraceParser } from '../strace/strace-parser.js';
import { TraceInputError } from './input-error.js';
import { LineFeeder } from './line-feeder.js';
import { recognise } from './recognise.js';
import { Tally } from './tally.js';

/** The reading of one input: recognised format, parser and counts, without any input or output of its own. */
export class Session {
  readonly tally: Tally;
  readonly parser: LineParser;
  private readonly feeder: LineFeeder;

  constructor(tally: Tally, parser: LineParser) {
    this.tally = tally;
    this.parser = parser;
    this.feeder = new LineFeeder(parser, tally);
  }

  /** Parses one chunk and gives its events. */
  push(chunk: Uint8Array): RecordedEvent[] {
    this.feeder.push(chunk);
    return this.take();
  }

  /** Parses what is left and gives the last events. */
  end(): RecordedEvent[] {
    this.feeder.end();
    return this.take();
  }

  /** The events of lines that were given to the parser directly. */
  take(): RecordedEvent[] {
    const events = this.parser.take();
    this.tally.events += events.length;
    return events;
  }
}

/** Chooses the parser by the beginning of the input, or throws {@link TraceInputError}. */
export function startSession(file: string, sample: Uint8Array, options: RecordingOptions): Session {
  const tally = new Tally(file, options.maxDiagnostics ?? 100);
  return new Session(tally, makeParser(options.format ?? recogniseOrThrow(file, sample), tally, options));
}

function recogniseOrThrow(file: string, sample: Uint8Array): RecordingFormat {
  const found = recognise(sample);
  if ('format' in found) return found.format;
  throw new TraceInputError(file, found.problem);
}

function makeParser(format: RecordingFormat, tally: Tally, options: RecordingOptions): LineParser {
  return format === 'strace' ? new StraceParser(tally, options.attachedPid) : new PerfParser(format, tally);
}
