import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What hostbench prints of one workload. */
export interface HostResult {
  readonly name: string;
  readonly ns_per_op: number;
  readonly ns_per_op2?: number;
  readonly errors: number;
  readonly vmas: number;
  readonly layout: string;
}

const SOURCE = fileURLToPath(new URL('../hostbench.c', import.meta.url));

/** The program that runs the workloads on the live kernel, compiled for this run. */
export class HostBench {
  readonly #folder: string;
  readonly #program: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#program = join(folder, 'hostbench');
  }

  /** Compiles it; null, and why, when this machine cannot. */
  static compile(): HostBench | string {
    if (process.platform !== 'linux') return 'the live kernel is not measured: this is not Linux';
    const folder = mkdtempSync(join(tmpdir(), 'vmakit-bench-'));
    const bench = new HostBench(folder);
    const made = spawnSync('cc', ['-O2', '-o', bench.#program, SOURCE], { stdio: 'ignore' });
    if (made.status === 0) return bench;
    bench.dispose();
    return 'the live kernel is not measured: there is no C compiler (cc)';
  }

  /** Runs every workload whose name begins with `prefix` once. */
  run(prefix: string, scale: number): HostResult[] {
    const text = execFileSync(this.#program, ['--reps', '1', '--scale', String(scale), prefix], { encoding: 'utf8' });
    return JSON.parse(text) as HostResult[];
  }

  /** Removes the program. */
  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
