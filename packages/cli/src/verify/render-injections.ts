import { table } from '@vmakit/report';
import type { InjectionTotals } from '@vmakit/verify';

/** What defects of the plain kernel are called for people. */
const PLAIN_DEFECTS: Readonly<Record<string, string>> = {
  E16: 'E16: the unmap of the source fails after a move, the charge leaks (spec 05.7)',
  'cuts-stay': 'an unmap that fails leaves both ends of its range cut, past the map limit (spec 01.4)',
};

/** The table of injection points: how often each was made to fail, and how the calls ended. */
export function renderInjections(totals: InjectionTotals): string {
  const right = 'right' as const;
  const columns = [
    { title: 'point' },
    { title: 'injected', align: right },
    { title: 'call failed', align: right },
    { title: 'call succeeded', align: right },
  ];
  const rows = Object.entries(totals.byPoint)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([point, { failed, succeeded }]) => [point, ...[failed + succeeded, failed, succeeded].map(String)]);
  const defects = Object.entries(totals.plainDefects).map(([name, count]) => {
    return `${count} times what the plain kernel does as well: ${PLAIN_DEFECTS[name] ?? name}\n`;
  });
  return `${table(columns, rows)}\n${defects.join('')}`;
}
