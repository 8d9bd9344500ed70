import { readFile } from 'node:fs/promises';
import { type Operation, type Scenario, readScenarios, scenarioToLines } from '@vmakit/trace';
import { type ProgramResult, compareRecording } from './compare/compare-recording.js';
import { modelOf } from './compare/model-settings.js';
import type { ProgramRecording } from './driver/live-driver.js';
import type { MachineSettings } from './machine/settings.js';

/**
 * What the header of a scenario recorded by a live kernel says more than others, under the key `live`: the machine, and
 * the recording itself. With it the comparison can be made again anywhere, to the last page-table entry.
 */
interface LiveHeader {
  readonly settings: Omit<MachineSettings, 'thpSizes'> & { readonly thpSizes: readonly (readonly [number, string])[] };
  readonly pageSize: number;
  readonly zeroFrame: number;
  readonly status: number;
  readonly begun: number;
  /** The words of the recording, little endian, base64. */
  readonly words: string;
}

/** A scenario recorded by a live kernel, with all that the kernel said. */
export interface LiveRecording {
  readonly name: string;
  readonly operations: readonly Operation[];
  readonly settings: MachineSettings;
  readonly pageSize: number;
  readonly zeroFrame: number;
  readonly recording: ProgramRecording;
}

/** The lines of a scenario file; the first carries the recording. */
export function recordingToLines(
  scenario: Pick<Scenario, 'header' | 'steps'>,
  live: Omit<LiveRecording, 'name' | 'operations'>,
): string[] {
  const [first = '{}', ...rest] = scenarioToLines(scenario);
  const { settings, pageSize, zeroFrame, recording } = live;
  const header: LiveHeader = {
    settings: { ...settings, thpSizes: [...settings.thpSizes] },
    pageSize,
    zeroFrame,
    status: recording.status,
    begun: recording.begun,
    words: Buffer.from(Uint32Array.from(recording.words).buffer).toString('base64'),
  };
  return [JSON.stringify({ ...(JSON.parse(first) as object), live: header }), ...rest];
}

/**
 * Reads the scenarios of a file that carry a live recording; others are passed over.
 *
 * @throws ScenarioFormatError as `readScenarios` does
 */
export async function readLiveRecordings(file: string): Promise<LiveRecording[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const found: LiveRecording[] = [];
  for await (const scenario of readScenarios(file)) {
    const raw = JSON.parse(lines[scenario.line - 1] ?? '{}') as { readonly live?: LiveHeader };
    if (raw.live !== undefined) found.push(fromHeader(scenario, raw.live));
  }
  return found;
}

function fromHeader(scenario: Scenario, live: LiveHeader): LiveRecording {
  const { settings, pageSize, zeroFrame, status, begun } = live;
  const bytes = Uint8Array.from(Buffer.from(live.words, 'base64'));
  return {
    name: scenario.header.name,
    operations: scenario.steps.map((step) => step.operation),
    settings: { ...settings, thpSizes: new Map(settings.thpSizes) as MachineSettings['thpSizes'] },
    pageSize,
    zeroFrame,
    recording: { status, begun, words: new Uint32Array(bytes.buffer) },
  };
}

/** Compares the model with what a kernel recorded some time, somewhere. */
export function compareWithRecording(live: LiveRecording): ProgramResult {
  const { operations, settings, pageSize, zeroFrame, recording } = live;
  const positions = operations.map((_, index) => index);
  const plan = { performed: operations, positions, omitted: new Map() };
  return compareRecording(modelOf(settings, pageSize), { zeroFrame }, plan, recording);
}
