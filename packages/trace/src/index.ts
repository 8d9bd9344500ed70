export type * from './syscall-args.js';
export type * from './events.js';
export type * from './recording.js';
