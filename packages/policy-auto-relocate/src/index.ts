export { AUTO_RELOCATE_COUNTERS, autoRelocate } from './auto-relocate.js';
export { type AutoRelocateRules, DEFAULT_RULES, type RelocationCost } from './rules.js';
