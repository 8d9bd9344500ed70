import type { CheckCount, Divergence, LayoutCheck, LayoutDifference, LayoutLine, ReplayResult } from '@vmakit/replay';
import pc from 'picocolors';
import { count, plural } from '../numbers.js';

/** Differences shown of each layout. */
const DIFFERENCES_SHOWN = 5;

/** What was compared with the recording, and what differs. */
export function checkLines(result: ReplayResult): string[] {
  const { checks, unknowable, recording, snapshotsLeft } = result;
  const lines = [
    pc.bold('Checked against the recording'),
    countLine('results of calls', checks.results),
    countLine('records of VMAs (MMAP2)', checks.mmap2),
    countLine('layouts at the end', checks.endLayouts),
  ];
  const further = result.layouts.filter(({ mergedFurther }) => mergedFurther).length;
  if (further > 0)
    lines.push(pc.dim(`  ${plural(further, 'layout')} with neighbours merged that were recorded unmerged`));
  const names = Object.entries(unknowable);
  if (names.length > 0) lines.push('  not in the recording, so not counted as different:');
  for (const [name, times] of names) lines.push(`  ${count(times).padStart(9)}  ${name}`);
  lines.push(...readingLines(recording));
  for (const file of snapshotsLeft)
    lines.push(pc.red(`  ${file}: its process, or the end of it, is not in the recording`));
  lines.push(...result.details.flatMap(divergenceLines));
  const more = differingCalls(checks) - result.details.length;
  if (more > 0) lines.push(pc.dim(`  and ${count(more)} more calls or records`));
  lines.push(...result.layouts.filter(({ matched }) => !matched).flatMap(layoutLines));
  return [...lines, '', verdict(result)];
}

function verdict({ ok, divergences, checks, whatIf }: ReplayResult): string {
  if (!ok) return pc.red(`✗ ${plural(divergences, 'divergence')} from the recording`);
  const total = checks.results.total + checks.mmap2.total + checks.endLayouts.total;
  if (total === 0) return pc.yellow('✓ nothing in the recording to compare with');
  return pc.green(whatIf ? '✓ as recorded, but for what was changed' : '✓ the model did what the kernel did');
}

function countLine(name: string, { matched, total }: CheckCount): string {
  if (total === 0) return pc.dim(`  - ${name.padEnd(24)} none recorded`);
  const text = `${name.padEnd(24)} ${count(matched)} of ${count(total)}`;
  return matched === total ? `  ${pc.green('✓')} ${text}` : `  ${pc.red('✗')} ${pc.red(text)}`;
}

function differingCalls({ results, mmap2 }: ReplayResult['checks']): number {
  return results.total - results.matched + (mmap2.total - mmap2.matched);
}

function readingLines({ malformed, unfinished, unpaired, lost, diagnostics }: ReplayResult['recording']): string[] {
  const lines: string[] = [];
  if (malformed > 0) lines.push(pc.yellow(`  ${plural(malformed, 'line')} of the recording could not be understood:`));
  for (const { file, line, expected, text } of diagnostics.slice(0, DIFFERENCES_SHOWN)) {
    lines.push(`    ${file}:${line}: expected ${expected}`, pc.dim(`      ${text}`));
  }
  const more = malformed - Math.min(diagnostics.length, DIFFERENCES_SHOWN);
  if (more > 0) lines.push(pc.dim(`    and ${plural(more, 'line')} more`));
  if (lost > 0) lines.push(pc.yellow(`  ${plural(lost, 'event')} were lost by the recorder`));
  if (unpaired > 0) lines.push(pc.dim(`  ${plural(unpaired, 'call')} had begun before the recording`));
  if (unfinished > 0) lines.push(pc.dim(`  ${plural(unfinished, 'call')} had not ended when the recording did`));
  return lines;
}

function divergenceLines({ file, line, pid, what, recorded, model }: Divergence): string[] {
  return [
    `  ${pc.red('✗')} ${file}:${line}  process ${pid}: ${what}`,
    `      recorded ${pc.green(recorded)}`,
    `      model    ${pc.red(model)}`,
  ];
}

function layoutLines({ file, pid, differing, differences }: LayoutCheck): string[] {
  const lines = [`  ${pc.red('✗')} ${file}, process ${pid}: ${plural(differing, 'VMA')} differ`];
  for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) lines.push(...differenceLines(difference));
  const more = differing - Math.min(differences.length, DIFFERENCES_SHOWN);
  if (more > 0) lines.push(pc.dim(`      and ${count(more)} more`));
  return lines;
}

function differenceLines({ expected, actual }: LayoutDifference): string[] {
  return [`      recorded ${pc.green(mapsLine(expected))}`, `      model    ${pc.red(mapsLine(actual))}`];
}

function mapsLine(line: LayoutLine | null): string {
  if (line === null) return 'nothing mapped';
  const { start, end, permissions, offset, inode, name } = line;
  const hex = (value: number): string => value.toString(16);
  return `${hex(start)}-${hex(end)} ${permissions} ${hex(offset).padStart(8, '0')} ${inode} ${name}`.trimEnd();
}
