import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compareWithRecording, readLiveRecordings } from './recording-file.js';

const FOLDER = fileURLToPath(new URL('../scenarios/', import.meta.url));

/** What fuzzing found in the model, as a kernel did it: needs no kernel to be checked again. */
describe.each(readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl')))('%s', async (file) => {
  const recordings = await readLiveRecordings(`${FOLDER}${file}`);

  test('every scenario carries its recording', () => {
    expect(recordings.length).toBeGreaterThan(0);
  });

  test.each(recordings.map((recording) => [recording.name, recording] as const))('%s', (_, recording) => {
    const { compared, difference, interrupted } = compareWithRecording(recording);
    expect({ difference, interrupted }).toEqual({ difference: null, interrupted: null });
    expect(compared).toBe(recording.operations.length);
  });
});
