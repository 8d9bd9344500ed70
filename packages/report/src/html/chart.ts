import type { TimelinePoint } from '@vmakit/replay';
import { count } from '../numbers.js';
import { type Markup, html } from './markup.js';

const WIDTH = 1200;
const HEIGHT = 240;
const LEFT = 64;
const BOTTOM = 24;
const TOP = 12;
/** The limit is drawn when it is at most so many times higher than what was reached. */
const LIMIT_IN_SIGHT = 3;

/** How the number of VMAs of one run went. */
export interface Series {
  readonly name: string;
  readonly points: readonly TimelinePoint[];
}

/** The number of VMAs over the events of a recording, one line for each series. */
export function vmaChart(series: readonly Series[], limit: number): Markup | null {
  const drawn = series.filter(({ points }) => points.length > 1);
  const all = drawn.flatMap(({ points }) => points);
  if (all.length === 0) return null;
  const lastEvent = Math.max(...all.map(({ event }) => event));
  const most = Math.max(...all.map(({ vmas }) => vmas));
  const showsLimit = limit <= most * LIMIT_IN_SIGHT;
  const top = (showsLimit ? Math.max(most, limit) : most) * 1.05;
  const x = (event: number): number => LEFT + ((WIDTH - LEFT) * event) / lastEvent;
  const y = (vmas: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - vmas / top);
  const lines = drawn.map(
    ({ points }, index) => html`<path class="line s${index % 6}" d="${pathOf(points, x, y)}" /> `,
  );
  const names = drawn.map(({ name }, index) => html`<span><i class="s${index % 6}"></i>${name}</span>`);
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="number of VMAs over the recording">
      <line class="axis" x1="${LEFT}" y1="${y(0)}" x2="${WIDTH}" y2="${y(0)}" />
      <line class="axis" x1="${LEFT}" y1="${TOP}" x2="${LEFT}" y2="${y(0)}" />
      <text x="0" y="${y(most) + 4}">${count(most)}</text>
      <text x="0" y="${y(0)}">0 VMAs</text>
      <text x="${LEFT}" y="${HEIGHT - 6}">event 0</text>
      <text x="${WIDTH}" y="${HEIGHT - 6}" text-anchor="end">event ${count(lastEvent)}</text>
      ${showsLimit ? limitLine(limit, y(limit)) : null}${lines}
    </svg>
    <p class="legend">${names}</p>`;
}

function limitLine(limit: number, y: number): Markup {
  return html`<line class="limit" x1="${LEFT}" y1="${y}" x2="${WIDTH}" y2="${y}" />
    <text x="${WIDTH}" y="${y - 4}" text-anchor="end">vm.max_map_count ${count(limit)}</text> `;
}

function pathOf(points: readonly TimelinePoint[], x: (event: number) => number, y: (vmas: number) => number): string {
  return points
    .map(({ event, vmas }, at) => {
      const height = y(vmas).toFixed(1);
      return at === 0 ? `M${x(event).toFixed(1)} ${height}` : `H${x(event).toFixed(1)}V${height}`;
    })
    .join('');
}
