export * from './clock.js';
export * from './errno.js';
export * from './injection.js';
export * from './invariant.js';
export * from './page.js';
export * from './profile.js';
export * from './random.js';
export * from './vm-flags.js';
