import type { Command } from 'commander';
import { decodeCommand } from './commands/decode.js';
import { liveCommand } from './commands/live.js';
import { replayCommand } from './commands/replay.js';
import { tablesCommand } from './commands/tables.js';
import { verifyCommand } from './commands/verify.js';

/** Every command of `vmakit`, in the order of the help: one file each in `commands/`. */
export const commands: readonly (() => Command)[] = [
  replayCommand,
  verifyCommand,
  liveCommand,
  tablesCommand,
  decodeCommand,
];
