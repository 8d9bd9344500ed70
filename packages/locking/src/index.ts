export * from './lock-tracker.js';
export * from './lock-validator.js';
