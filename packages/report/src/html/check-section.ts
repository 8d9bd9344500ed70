import type { CheckCount, LayoutCheck, LayoutLine, ReplayResult } from '@vmakit/replay';
import { count, plural } from '../numbers.js';
import { type Markup, html } from './markup.js';

/** What was compared with the recording. */
export function checkSection(result: ReplayResult): Markup {
  const { checks, unknowable, recording, details, layouts, snapshotsLeft } = result;
  const names = Object.entries(unknowable).map(
    ([name, times]) =>
      html`<tr>
        <td class="num">${count(times)}</td>
        <td>${name}</td>
      </tr>`,
  );
  const left = snapshotsLeft.map(
    (file) => html`<p class="bad">${file}: its process, or the end of it, is not in the recording</p>`,
  );
  return html`<h2>Checked against the recording</h2>
    <table>
      ${row('results of calls', checks.results)}${row('records of VMAs (MMAP2)', checks.mmap2)}
      ${row('layouts at the end', checks.endLayouts)}
    </table>
    ${
      names.length === 0
        ? null
        : html`<p>Not in the recording, so not counted as different:</p>
            <table>
              ${names}
            </table>`
    }
    ${left}${divergences(details)}${layouts.filter(({ matched }) => !matched).map(layout)}${malformed(recording)}`;
}

function row(name: string, { matched, total }: CheckCount): Markup {
  if (total === 0)
    return html`<tr>
      <td>${name}</td>
      <td class="num dim">none recorded</td>
    </tr>`;
  const kind = matched === total ? 'good' : 'bad';
  return html`<tr>
    <td>${name}</td>
    <td class="num ${kind}">${count(matched)} of ${count(total)}</td>
  </tr>`;
}

function divergences(details: ReplayResult['details']): Markup | null {
  if (details.length === 0) return null;
  const rows = details.map(
    ({ file, line, pid, what, recorded, model }) =>
      html`<tr>
        <td class="code">${file}:${line}</td>
        <td class="num">${pid}</td>
        <td class="code">${what}</td>
        <td class="code good">${recorded}</td>
        <td class="code bad">${model}</td>
      </tr>`,
  );
  return html`<div class="scroll">
    <table>
      <tr>
        <th>line</th>
        <th class="num">process</th>
        <th>call or record</th>
        <th>recorded</th>
        <th>model</th>
      </tr>
      ${rows}
    </table>
  </div>`;
}

function layout({ file, pid, differing, differences }: LayoutCheck): Markup {
  const rows = differences.map(
    ({ expected, actual }) =>
      html`<tr>
        <td class="code good">${line(expected)}</td>
        <td class="code bad">${line(actual)}</td>
      </tr>`,
  );
  return html`<p class="bad">${file}, process ${pid}: ${plural(differing, 'VMA')} differ</p>
    <div class="scroll">
      <table>
        <tr>
          <th>recorded</th>
          <th>model</th>
        </tr>
        ${rows}
      </table>
    </div>`;
}

function line(vma: LayoutLine | null): string {
  if (vma === null) return 'nothing mapped';
  const { start, end, permissions, offset, inode, name } = vma;
  return `${start.toString(16)}-${end.toString(16)} ${permissions} ${offset.toString(16)} ${inode} ${name}`;
}

function malformed({ malformed: lines, diagnostics }: ReplayResult['recording']): Markup | null {
  if (lines === 0) return null;
  const rows = diagnostics.map(
    ({ file, line: number, expected, text }) =>
      html`<tr>
        <td class="code">${file}:${number}</td>
        <td>${expected}</td>
        <td class="code">${text}</td>
      </tr>`,
  );
  return html`<p>${plural(lines, 'line')} could not be understood:</p>
    <div class="scroll">
      <table>
        <tr>
          <th>line</th>
          <th>expected</th>
          <th>text</th>
        </tr>
        ${rows}
      </table>
    </div>`;
}
