export { COMPARED_ROWS, type ComparedRow } from './compared-rows.js';
export { renderHtmlReport } from './html/report.js';
export { renderComparison } from './text/comparison-text.js';
export { renderReplay } from './text/replay-text.js';
export { type Column, table } from './text/table.js';
export { type RuleWords, assumptionWords, ruleWords } from './words.js';
