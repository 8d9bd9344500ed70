import { statSync } from 'node:fs';
import type { JobProgress } from '@vmakit/replay';
import { SingleBar } from 'cli-progress';

/** Shorter work shows no bar. */
const PATIENCE_MS = 1000;
const MIB = 2 ** 20;

/** A bar on the terminal for reading recordings that takes longer than a second; it never touches standard output. */
export class ReadingProgress {
  /** Whether there is a terminal to show it on. */
  readonly isShown: boolean;
  readonly #begun: number;
  readonly #read: number[];
  /** Size of each input where it is known. */
  readonly #sizes: readonly number[];
  #bar: SingleBar | null = null;

  constructor(inputs: readonly string[], stream: NodeJS.WriteStream = process.stderr) {
    this.isShown = stream.isTTY === true;
    this.#begun = Date.now();
    this.#read = inputs.map(() => 0);
    this.#sizes = inputs.map(sizeOf);
  }

  /** Told how far the reading of each input is. */
  readonly listener: JobProgress = (index, bytesRead) => {
    this.#read[index] = bytesRead;
    if (Date.now() - this.#begun < PATIENCE_MS) return;
    this.#bar ??= this.#start();
    this.#bar.update(sum(this.#read) / MIB);
  };

  /** Prints something while the bar is out of the way. */
  aside(print: () => void): void {
    this.stop();
    print();
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  #start(): SingleBar {
    const bar = new SingleBar({
      format: 'replaying [{bar}] {percentage} %, {value} of {total} MiB, {eta_formatted} left',
      formatValue: (value) => value.toFixed(0),
      clearOnComplete: true,
      hideCursor: true,
      stream: process.stderr,
    });
    bar.start(Math.max(1, sum(this.#sizes) / MIB), 0);
    return bar;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Bytes of a file; of a folder, those of the recording that is most likely read. */
function sizeOf(input: string): number {
  if (input === '-') return 0;
  for (const name of ['', '/perf.txt', '/perf.txt.gz', '/strace.txt', '/strace.txt.gz']) {
    const size = fileSize(`${input}${name}`);
    if (size !== null) return size;
  }
  return 0;
}

/** Null: no file, or one that cannot be looked at. What is wrong with an input, the reading of it says. */
function fileSize(path: string): number | null {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}
