export type * from './syscall-args.js';
export type * from './events.js';
export type * from './recording.js';
export { openRecording, readRecording } from './source/open.js';
export type { RecordingInput } from './source/open.js';
export { parseRecording } from './source/parse.js';
export type { ParsedRecording } from './source/parse.js';
export { TraceInputError } from './source/input-error.js';
