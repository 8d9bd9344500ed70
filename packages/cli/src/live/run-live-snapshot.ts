import { type UnmergedPair, findUnmergedPairs, readSnapshot } from '@vmakit/oracle';
import { type MapsEntry, TraceInputError, formatMapsEntry } from '@vmakit/trace';
import { EXIT_OK, UsageError } from '../exit-codes.js';

/** The options of `vmakit live snapshot`. */
export interface LiveSnapshotOptions {
  readonly json?: boolean;
}

/** Runs `vmakit live snapshot` and prints what came of it; gives the exit code. */
export async function runLiveSnapshot(pid: number, options: LiveSnapshotOptions): Promise<number> {
  const snapshot = await readSnapshot(pid).catch((error: unknown) => {
    if (error instanceof TraceInputError) throw new UsageError(`process ${pid} cannot be looked at: ${error.message}`);
    throw error;
  });
  const pairs = findUnmergedPairs(snapshot);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ pid, vmas: snapshot.vmas, pairs: pairs.map(toJson) }, null, 2)}\n`);
    return EXIT_OK;
  }
  const lines = pairs.flatMap((pair) => ['', line(pair.left.entry), line(pair.right.entry), `  ${verdict(pair)}`]);
  lines.push('', `${snapshot.vmas.length} mappings, ${pairs.length} pairs of neighbours that look like one`);
  process.stdout.write(
    lines
      .slice(pairs.length === 0 ? 1 : 0)
      .map((text) => `${text}\n`)
      .join(''),
  );
  return EXIT_OK;
}

function line(entry: MapsEntry): string {
  return formatMapsEntry(entry).trimEnd();
}

function verdict({ separation }: UnmergedPair): string {
  return `${separation.rule} (${separation.certainty}): ${separation.explanation}`;
}

function toJson(pair: UnmergedPair): Record<string, unknown> {
  return { left: pair.left.start, right: pair.right.start, ...pair.separation };
}
