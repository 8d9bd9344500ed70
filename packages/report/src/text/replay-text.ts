import type { ReplayResult } from '@vmakit/replay';
import pc from 'picocolors';
import { bytes, count, plural, share } from '../numbers.js';
import { assumptionWords } from '../words.js';
import { checkLines } from './check-text.js';
import { table } from './table.js';
import { unmergedLines } from './unmerged-text.js';

/** Calls that are named, of all that were made. */
const CALLS_SHOWN = 8;
/** Processes that are listed. */
const PROCESSES_SHOWN = 20;

/** What came of a replay, for a person. Ends in a line feed. */
export function renderReplay(result: ReplayResult): string {
  const blocks = [
    headLines(result),
    [table([{ title: '' }, { title: '' }], factRows(result))],
    processLines(result),
    unmergedLines(result.unmerged),
    activityLines(result),
    checkLines(result),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function headLines({ recording, policy, whatIf }: ReplayResult): string[] {
  const { file, format, lines, kernel, profile, profileNote, assumption } = recording;
  const linux = kernel === null ? '' : `, Linux ${kernel}`;
  const head = [
    `${pc.bold(file)}  ${pc.dim(`${FORMATS[format] ?? format}, ${plural(lines, 'line')}${linux}, profile ${profile}`)}`,
    pc.dim(assumptionWords(assumption)),
  ];
  if (profileNote !== null) head.push(pc.yellow(profileNote));
  if (policy !== 'none') head.push(`policy ${pc.bold(policy)}: what would have been, not what was recorded`);
  else if (whatIf) head.push('another vm.max_map_count: what would have been, not what was recorded');
  return head;
}

const FORMATS: Readonly<Record<string, string>> = { strace: 'strace', perf: 'perf script', tracefs: 'raw tracefs' };

function factRows(result: ReplayResult): string[][] {
  const { vmas, maxMapCount, merges, tablesMoved, objects } = result;
  const made = merges.left + merges.right + merges.both;
  const rows = [
    ['processes', count(result.processes.length)],
    ['calls', `${count(result.calls)}  ${pc.dim(callNames(result))}`],
    ['page faults', result.recording.assumption === 'recorded' ? faults(result) : pc.dim('not recorded')],
    ['VMAs', `start ${count(vmas.start)}, peak ${pc.bold(count(vmas.peak))}, end ${count(vmas.end)}`],
    ['', pc.dim(`the peak is ${share(vmas.peak, maxMapCount)} of vm.max_map_count ${count(maxMapCount)}`)],
    ['merges', `${count(made)}  ${pc.dim(mergeSides(merges))}`],
    ['splits', count(merges.splits)],
    ['tables moved', movedText(tablesMoved)],
    ['kernel memory', `${bytes(objects.bytes)}  ${pc.dim(objectsText(objects))}`],
  ];
  return rows.map(([name = '', value = '']) => [pc.cyan(name), value]);
}

function callNames({ callsByName }: ReplayResult): string {
  const names = Object.entries(callsByName);
  const shown = names.slice(0, CALLS_SHOWN).map(([name, times]) => `${name} ${count(times)}`);
  const rest = names.slice(CALLS_SHOWN).reduce((sum, [, times]) => sum + times, 0);
  return (rest === 0 ? shown : [...shown, `others ${count(rest)}`]).join(', ');
}

function faults(result: ReplayResult): string {
  return `${count(result.faults)}  ${pc.dim(`${count(result.writeFaults)} of them writes`)}`;
}

function mergeSides({ left, right, both }: ReplayResult['merges']): string {
  return `with the VMA before ${count(left)}, behind ${count(right)}, both ${count(both)}`;
}

function movedText({ pud, pmd, hugePmd, pte }: ReplayResult['tablesMoved']): string {
  const whole = `at PUD level ${count(pud)}, at PMD level ${count(pmd)}`;
  return `${whole}, huge pages ${count(hugePmd)}, single PTEs ${count(pte)}`;
}

function objectsText({ vmas, anonVmas, chains, pageTables }: ReplayResult['objects']): string {
  const parts = [plural(vmas, 'VMA'), plural(anonVmas, 'anon_vma'), plural(chains, 'chain link')];
  return `${parts.join(', ')}, ${plural(pageTables, 'page table')}`;
}

function processLines({ processes }: ReplayResult): string[] {
  if (processes.length < 2) return [];
  const rows = processes
    .slice(0, PROCESSES_SHOWN)
    .map(({ pid, program, vmasAtStart, vmasPeak, vmasAtEnd }) => [
      String(pid),
      program ?? pc.dim('?'),
      count(vmasAtStart),
      count(vmasPeak),
      count(vmasAtEnd),
    ]);
  const right = 'right' as const;
  const columns = [
    { title: 'process', align: right },
    { title: 'program' },
    { title: 'VMAs at start', align: right },
    { title: 'peak', align: right },
    { title: 'end', align: right },
  ];
  const lines = [table(columns, rows)];
  const more = processes.length - PROCESSES_SHOWN;
  if (more > 0) lines.push(pc.dim(`  and ${plural(more, 'process', 'processes')} more`));
  return lines;
}

function activityLines({ activity, callsSaved, whatIf }: ReplayResult): string[] {
  const lines: string[] = [];
  if (activity !== null) {
    const undone = activity.undone > 0 ? `, ${count(activity.undone)} taken back` : '';
    lines.push(
      pc.bold('What the policy did'),
      `  ${plural(activity.relocations, 'move')} relocated${undone}; ` +
        `${plural(activity.foliosRewritten, 'folio')} rewritten, ${plural(activity.entriesWalked, 'PTE')} walked`,
    );
    for (const { decision, reason, count: times } of activity.verdicts.slice(0, 6)) {
      lines.push(`  ${count(times).padStart(9)}  ${decision.padEnd(6)} ${pc.dim(reason)}`);
    }
  }
  if (whatIf && callsSaved > 0)
    lines.push(`  ${plural(callsSaved, 'call')} that failed for want of memory would not fail`);
  return lines;
}
