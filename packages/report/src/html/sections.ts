import type { ComparedRun, Comparison, ProcessPicture, ReplayResult, UnmergedGroup } from '@vmakit/replay';
import { bytes, count, plural, share } from '../numbers.js';
import { COMPARED_ROWS } from '../compared-rows.js';
import { assumptionWords, ruleWords, valueWords } from '../words.js';
import { vmaChart } from './chart.js';
import { checkSection } from './check-section.js';
import { type Markup, html } from './markup.js';
import { stripLegend, vmaStrip } from './strip.js';

/** Processes of which a picture is drawn: those with the most VMAs. */
const PICTURES = 6;
/** Values or examples shown of each rule. */
const VALUES_SHOWN = 8;

/** A replay as a section of the report. */
export function replaySection(result: ReplayResult, pictures: readonly ProcessPicture[]): Markup {
  return html`<section>
    ${head(result)}${cards(result)}${chart(result, pictures)}${strips(pictures)}${unmerged(result)}${processes(
      result,
    )}${checkSection(result)}
  </section>`;
}

/** A comparison as a section of the report. */
export function comparisonSection({ file, runs, pictures }: Comparison): Markup {
  const [first] = runs as readonly [ComparedRun, ...ComparedRun[]];
  const series = runs.map(({ policy }, index) => ({
    name: policy,
    points: busiest(pictures[index] ?? [])?.timeline ?? [],
  }));
  const drawn = runs.map(({ policy, result }, index) => {
    return html`<h2>Under ${policy}</h2>
      ${strips(pictures[index] ?? [], 1)}${unmerged(result)}${checkSection(result)}`;
  });
  return html`<section>
    <h1>${file}</h1>
    <p class="dim">
      one recording under ${count(runs.length)} policies; ${assumptionWords(first.result.recording.assumption)}
    </p>
    ${comparisonTable(runs)}${vmaChart(series, first.result.maxMapCount)}${drawn}
  </section>`;
}

function head({ ok, recording, policy, divergences }: ReplayResult): Markup {
  const { file, format, lines, kernel, profile, profileNote, assumption } = recording;
  const verdict = ok
    ? html`<span class="good">✓ as recorded</span>`
    : html`<span class="bad">✗ ${plural(divergences, 'divergence')}</span>`;
  return html`<h1>${file}</h1>
    <p>
      ${verdict}
      <span class="dim"
        >${format}, ${plural(lines, 'line')}, Linux ${kernel ?? 'not named'}, profile ${profile}, policy ${policy}</span
      >
    </p>
    <p class="dim">${assumptionWords(assumption)}</p>
    ${profileNote === null ? null : html`<p>${profileNote}</p>`}`;
}

function cards(result: ReplayResult): Markup {
  const { vmas, maxMapCount, merges, tablesMoved, objects } = result;
  const moved = `${count(tablesMoved.pud)} PUD · ${count(tablesMoved.pmd)} PMD · ${count(tablesMoved.hugePmd)} huge`;
  const items: [string, string, string][] = [
    [count(vmas.peak), 'VMAs at peak', `start ${count(vmas.start)}, end ${count(vmas.end)}`],
    [share(vmas.peak, maxMapCount), 'of vm.max_map_count', count(maxMapCount)],
    [count(result.calls), 'calls', `${count(result.skippedCalls)} without effect on memory`],
    [count(result.faults), 'page faults', `${count(result.writeFaults)} writes`],
    [count(merges.left + merges.right + merges.both), 'merges', plural(merges.splits, 'split')],
    [count(tablesMoved.pte), 'PTEs moved by mremap', moved],
    [
      bytes(objects.bytes),
      'kernel memory',
      `${count(objects.anonVmas)} anon_vmas, ${count(objects.chains)} chain links`,
    ],
  ];
  const shown = items.map(
    ([number, name, more]) => html`<div class="card"><b>${number}</b>${name}<br /><span>${more}</span></div>`,
  );
  return html`<div class="cards">${shown}</div>`;
}

function busiest(pictures: readonly ProcessPicture[]): ProcessPicture | undefined {
  const peak = ({ timeline }: ProcessPicture): number => Math.max(0, ...timeline.map(({ vmas }) => vmas));
  return pictures.toSorted((a, b) => peak(b) - peak(a))[0];
}

function chart({ maxMapCount }: ReplayResult, pictures: readonly ProcessPicture[]): Markup | null {
  const one = busiest(pictures);
  if (one === undefined) return null;
  const drawn = vmaChart([{ name: nameOf(one), points: one.timeline }], maxMapCount);
  return drawn === null
    ? null
    : html`<h2>VMAs over the recording</h2>
        ${drawn}`;
}

function strips(pictures: readonly ProcessPicture[], most: number = PICTURES): Markup | null {
  if (pictures.length === 0) return null;
  const shown = pictures.toSorted((a, b) => b.starts.length - a.starts.length).slice(0, most);
  const drawn = shown.map((picture) => {
    return html`<p><b>${nameOf(picture)}</b> <span class="dim">${plural(picture.starts.length, 'VMA')}</span></p>
      ${vmaStrip(picture)}`;
  });
  return html`<h2>Address spaces at the end</h2>
    ${stripLegend()}${drawn}`;
}

function nameOf({ pid, program }: ProcessPicture): string {
  return program === null ? `process ${pid}` : `process ${pid}, ${program}`;
}

function unmerged({ unmerged: groups }: ReplayResult): Markup {
  const pairs = groups.reduce((sum, group) => sum + group.pairs, 0);
  if (pairs === 0) return html`<h2>Neighbours left unmerged: none</h2>`;
  const rows = groups.map((group) => unmergedRow(group, pairs));
  return html`<h2>Neighbours left unmerged: ${plural(pairs, 'pair')}</h2>
    <div class="scroll">
      <table>
        <tr>
          <th class="num">pairs</th>
          <th class="num">touched</th>
          <th></th>
          <th>first rule that refused</th>
          <th>values</th>
        </tr>
        ${rows}
      </table>
    </div>`;
}

function unmergedRow(group: UnmergedGroup, all: number): Markup {
  const { rule, pairs, touchedPairs } = group;
  const { why } = ruleWords(rule);
  const width = Math.max(2, Math.round((120 * pairs) / all));
  return html`<tr>
    <td class="num">${count(pairs)}</td>
    <td class="num">${count(touchedPairs)}</td>
    <td><span class="bar" style="width:${width}px"></span></td>
    <td><b>${rule}</b><br />${why}</td>
    <td class="code">${valuesOf(group)}</td>
  </tr>`;
}

function valuesOf({ rule, values, examples }: UnmergedGroup): Markup[] {
  if (rule === 'page-offset' || rule === 'anon-page-offset') {
    return examples.slice(0, VALUES_SHOWN).map(({ left, right, have, want }) => {
      const offsets = `offset ${valueWords(rule, have)}, to go on ${valueWords(rule, want)}`;
      return html`${left} | ${right}: ${offsets}<br />`;
    });
  }
  return values.slice(0, VALUES_SHOWN).map(({ have, want, pairs }) => {
    return html`${count(pairs)} × ${valueWords(rule, want)} | ${valueWords(rule, have)}<br />`;
  });
}

function processes({ processes: all }: ReplayResult): Markup | null {
  if (all.length < 2) return null;
  const rows = all.map(
    ({ pid, program, vmasAtStart, vmasPeak, vmasAtEnd }) =>
      html`<tr>
        <td class="num">${pid}</td>
        <td>${program ?? '?'}</td>
        <td class="num">${count(vmasAtStart)}</td>
        <td class="num">${count(vmasPeak)}</td>
        <td class="num">${count(vmasAtEnd)}</td>
      </tr>`,
  );
  return html`<h2>Processes</h2>
    <div class="scroll">
      <table>
        <tr>
          <th class="num">process</th>
          <th>program</th>
          <th class="num">VMAs at start</th>
          <th class="num">peak</th>
          <th class="num">end</th>
        </tr>
        ${rows}
      </table>
    </div>`;
}

function comparisonTable(runs: readonly ComparedRun[]): Markup {
  const names = runs.map(({ policy }) => html`<th class="num">${policy}</th>`);
  const rows = COMPARED_ROWS.map(({ name, value, show = count }) => {
    return html`<tr>
      <td>${name}</td>
      ${runs.map((run) => html`<td class="num">${show(value(run))}</td>`)}
    </tr> `;
  });
  return html`<div class="scroll">
    <table>
      <tr>
        <th></th>
        ${names}
      </tr>
      ${rows}
    </table>
  </div>`;
}
