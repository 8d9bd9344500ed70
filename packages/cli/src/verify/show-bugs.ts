import { table } from '@vmakit/report';
import { type Scenario, readGoldenRecords } from '@vmakit/trace';
import { type BugReport, findBugs, readKnownBugScenarios } from '@vmakit/verify';
import { EXIT_FAILED, EXIT_OK } from '../exit-codes.js';

/** A point may be reached thousands of times in one call; the first and the last are always tried. */
const MAX_OCCURRENCES = 8;

/** What of the options counts here. */
interface BugOptions {
  readonly filter?: string;
  readonly json?: boolean;
}

/**
 * Prints the known bugs of a variant of the series, each with the scenario and the injection that shows it and the
 * invariant that it breaks; or why it cannot show. The files are looked through first, then the scenarios that were
 * made for the bugs. Fails when a bug that can show does not.
 */
export async function showBugs(
  files: readonly string[],
  variant: 'v1' | 'rfc-v2',
  options: BugOptions,
): Promise<number> {
  const others: Scenario[] = [];
  for (const file of files) {
    const read = file === '-' ? { input: process.stdin } : {};
    for await (const record of readGoldenRecords(file, { ...read, unrecorded: true })) {
      if (record.kind === 'word') continue;
      if (options.filter === undefined || record.scenario.header.name.includes(options.filter))
        others.push(record.scenario);
    }
  }
  const reports = findBugs(variant, {
    own: await readKnownBugScenarios(),
    others,
    maxOccurrences: MAX_OCCURRENCES,
  });
  process.stdout.write(
    options.json === true ? `${JSON.stringify(toJson(variant, reports), null, 2)}\n` : bugTable(reports),
  );
  const missed = reports.some(({ bug, sighting }) => sighting === null && bug.unseen === null);
  return missed ? EXIT_FAILED : EXIT_OK;
}

function toJson(variant: string, reports: readonly BugReport[]): Record<string, unknown> {
  const bugs = reports.map(({ bug: { id, what, repair, unseen }, sighting }) => ({
    id,
    what,
    repair,
    sighting,
    unseen,
  }));
  return { variant, bugs };
}

function bugTable(reports: readonly BugReport[]): string {
  const titles = ['bug', 'without', 'scenario', 'operation', 'injection', 'breaks'];
  const shown: string[][] = [];
  const unseen: string[] = [];
  for (const { bug, sighting } of reports) {
    if (bug.unseen !== null) {
      unseen.push(`  ${bug.id.padEnd(4)}  ${bug.what}: ${bug.unseen}\n`);
    } else if (sighting === null) {
      shown.push([bug.id, bug.repair ?? '', 'not shown', '', '', '']);
    } else {
      const { scenario, step, injection, breaks, inVariant } = sighting;
      const where = inVariant ? '' : ' (hidden by other bugs in the variant)';
      shown.push([bug.id, bug.repair ?? '', scenario, String(step + 1), injection, `${breaks.join(' ')}${where}`]);
    }
  }
  return [
    `${table(
      titles.map((title) => ({ title })),
      shown,
    )}\n\n`,
    `At most ${MAX_OCCURRENCES} occurrences of a point were made to fail in one call.\n`,
    `Not to be seen when one call comes after the other:\n`,
    ...unseen,
  ].join('');
}
