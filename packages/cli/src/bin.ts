#!/usr/bin/env node
import { tuneEngine, useHugePages } from '@vmakit/replay';
import { exitCodeOf } from './exit-codes.js';
import { createProgram } from './program.js';

// A reader that closes its end early (head, less) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

tuneEngine();
useHugePages();
const program = createProgram();
const code = await exitCodeOf(
  () => program.parseAsync(),
  (text) => process.stderr.write(`${text}\n`),
);
if (code !== null) process.exitCode = code;
