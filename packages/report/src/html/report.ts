import type { JobOutcome } from '@vmakit/replay';
import { html, Markup } from './markup.js';
import { comparisonSection, replaySection } from './sections.js';
import { STYLE } from './style.js';

/** The replays or comparisons as one HTML page that needs nothing but itself. */
export function renderHtmlReport(outcomes: readonly JobOutcome[]): string {
  const sections = outcomes.map((outcome) => {
    switch (outcome.kind) {
      case 'replayed':
        return replaySection(outcome.result, outcome.pictures);
      case 'compared':
        return comparisonSection(outcome.comparison);
      case 'unreadable':
        return html`<section>
          <h1>${outcome.input}</h1>
          <p class="bad">${outcome.message}</p>
        </section>`;
    }
  });
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>vmakit replay</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        ${sections}
      </body>
    </html> `;
  return page.text;
}
