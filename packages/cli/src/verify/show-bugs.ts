import { type Scenario, readGoldenRecords } from '@vmakit/trace';
import { type BugSighting, bugsOf, findBugs } from '@vmakit/verify';
import Table from 'cli-table3';
import { EXIT_OK } from '../exit-codes.js';
import { plainTable } from './plain-table.js';

/** What of the options counts here. */
interface BugOptions {
  readonly filter?: string;
  readonly json?: boolean;
}

/**
 * Prints the known bugs of a variant of the series, each with the scenario and the injection that shows it and the
 * invariant that it breaks.
 */
export async function showBugs(
  files: readonly string[],
  variant: 'v1' | 'rfc-v2',
  options: BugOptions,
): Promise<number> {
  const scenarios: Scenario[] = [];
  for (const file of files) {
    for await (const record of readGoldenRecords(file, file === '-' ? { input: process.stdin } : {})) {
      if (record.kind === 'word') continue;
      if (options.filter === undefined || record.scenario.header.name.includes(options.filter))
        scenarios.push(record.scenario);
    }
  }
  const sightings = findBugs(scenarios, variant);
  const rows = [...bugsOf(variant)].map(([repair, bug]) => ({ repair, bug, sighting: sightings.get(repair) ?? null }));
  process.stdout.write(options.json === true ? `${JSON.stringify({ variant, bugs: rows }, null, 2)}\n` : table(rows));
  return EXIT_OK;
}

function table(
  rows: readonly { readonly repair: string; readonly bug: string; readonly sighting: BugSighting | null }[],
): string {
  const text = new Table({ ...plainTable, head: ['bug', 'repair', 'scenario', 'operation', 'injection', 'breaks'] });
  for (const { repair, bug, sighting } of rows) {
    if (sighting === null) text.push([bug, repair, 'not shown by these scenarios', '', '', '']);
    else {
      const { scenario, step, injection, breaks } = sighting;
      text.push([bug, repair, scenario, String(step + 1), injection, breaks.join(' ')]);
    }
  }
  return `${text.toString()}\n`;
}
