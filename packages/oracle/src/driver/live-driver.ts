import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { Unavailable } from '../unavailable.js';
import { FrameAssembler } from './frame-assembler.js';
import { buildHelper } from './helper-build.js';
import { type Greeting, PROTOCOL_VERSION, readGreeting } from './protocol.js';
import type { ProgramRequest } from './program-request.js';

/** What came back for one program: `[status, operations begun]` and the records, see `record-reader.ts`. */
export interface ProgramRecording {
  readonly status: number;
  readonly begun: number;
  readonly words: Uint32Array;
}

interface Waiting {
  readonly resolve: (recording: ProgramRecording) => void;
  readonly reject: (error: Error) => void;
}

export interface LiveDriverOptions {
  /** The helper to run; default: the compiled one from the cache folder. */
  readonly helper?: string;
  /** Milliseconds that one operation may take before its program is given up. */
  readonly patience?: number;
}

const DEFAULT_PATIENCE = 10_000;

/** USER_HZ, the same on every Linux that runs Node. */
const TICKS_PER_SECOND = 100;

/**
 * Runs programs of operations on the live kernel, each in fresh processes of a worker of its own. The process that
 * holds the driver maps nothing and forks nothing but the worker; when it ends, however it ends, the worker and all its
 * processes end too.
 */
export class LiveDriver {
  readonly greeting: Greeting;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #waiting: Map<number, Waiting> = new Map();
  readonly #patience: number;
  #nextId = 1;
  #failure: Error | null = null;

  private constructor(child: ChildProcess, input: Writable, greeting: Greeting, patience: number) {
    this.#child = child;
    this.#input = input;
    this.greeting = greeting;
    this.#patience = patience;
  }

  /** Starts a driver, or says in one sentence what is missing for that. */
  static async start(options: LiveDriverOptions = {}): Promise<LiveDriver | Unavailable> {
    if (process.platform !== 'linux') {
      return new Unavailable(`the live kernel must be Linux, and this is ${process.platform}`);
    }
    const helper = options.helper ?? (await buildHelper());
    if (helper instanceof Unavailable) return helper;
    const child = spawn(helper, [String(process.pid)], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new Promise((resolve) => {
      const frames = new FrameAssembler();
      let driver: LiveDriver | null = null;
      child.on('error', (error) => resolve(new Unavailable(`the helper ${helper} cannot be run (${error.message})`)));
      child.on('exit', (code, signal) => {
        const how = signal === null ? `status ${code}` : signal;
        driver?.fail(new Error(`the helper ended with ${how}`));
        resolve(new Unavailable(`the helper ${helper} ended with ${how} before it was ready`));
      });
      child.stdin.on('error', (error) => driver?.fail(error));
      const output: Readable = child.stdout;
      output.on('data', (chunk: Buffer) => {
        frames.add(chunk, (words) => {
          if (driver !== null) return driver.deliver(words);
          const greeting = readGreeting(words);
          if (greeting === null) {
            child.kill('SIGKILL');
            resolve(new Unavailable(`the helper ${helper} does not speak version ${PROTOCOL_VERSION}`));
            return;
          }
          driver = new LiveDriver(child, child.stdin, greeting, options.patience ?? DEFAULT_PATIENCE);
          resolve(driver);
        });
      });
    });
  }

  /** Runs a program; programs sent while others are under way wait their turn. */
  run(request: ProgramRequest): Promise<ProgramRecording> {
    const failure = this.#failure;
    if (failure !== null) return Promise.reject(failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#input.write(request.frame(id, this.#patience));
    });
  }

  /** Processor time of the worker and of the processes that it has had so far, in seconds. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1');
    // The name, in parentheses, may hold blanks. Fields 14 to 17 are times in clock ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_PER_SECOND;
  }

  /** Ends the worker and its processes, and returns when it is gone. */
  async close(): Promise<void> {
    this.#failure = new Error('the driver is closed');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#input.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1000);
    await gone;
    clearTimeout(timer);
  }

  private deliver(words: Uint32Array): void {
    const waiting = this.#waiting.get(words[0] ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(words[0] ?? 0);
    waiting.resolve({ status: words[1] ?? 0, begun: words[2] ?? 0, words: words.subarray(3) });
  }

  private fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
