import { type SourcePlace, formatError } from './format-error.js';
import { JsonFields, type JsonObject } from './json-fields.js';
import { REPAIR_NAMES, SCENARIO_FORMAT, type ScenarioHeader, type ThpSettings } from './scenario.js';

const ARCHES = ['x86_64', 'aarch64'] as const;
const PAGE_SIZES: readonly number[] = [4096, 16384, 65536];
const GLOBAL_MODES = ['never', 'madvise', 'always'] as const;
const SIZE_MODES = ['never', 'madvise', 'always', 'inherit'] as const;

/** Reads a header line (golden/FORMAT.md "Header"). Keys it does not know are left alone: they say more, not other. */
export function parseHeader(object: JsonObject, place: SourcePlace): ScenarioHeader {
  const fields = new JsonFields(object, 'header', place);
  if (object['format'] !== SCENARIO_FORMAT) fields.refuse('format', `"${SCENARIO_FORMAT}"`);
  const pageSize = fields.integer('pageSize', 1, 4096);
  if (!PAGE_SIZES.includes(pageSize)) fields.refuse('pageSize', '4096, 16384 or 65536');
  const arch = fields.oneOf('arch', ARCHES, 'x86_64');
  if (arch === 'x86_64' && pageSize !== 4096) fields.refuse('pageSize', '4096 on x86_64');
  const levels = fields.has('levels') ? fields.integer('levels', 2) : null;
  if (levels !== null && levels > 5) fields.refuse('levels', 'an integer from 2 to 5');
  return {
    name: fields.string('name'),
    group: fields.string('group', ''),
    about: fields.string('about', ''),
    seed: fields.has('seed') ? fields.integer('seed', Number.MIN_SAFE_INTEGER) : null,
    thp: parseThp(fields.object('thp'), place),
    repairs: fields.listOf('repairs', REPAIR_NAMES),
    injected: fields.boolean('injected', false),
    inconsistent: fields.has('inconsistent') ? fields.string('inconsistent') : null,
    kernel: fields.string('kernel', ''),
    arch,
    pageSize,
    // One table page of 8-byte entries.
    pmdPages: fields.integer('pmdPages', 1, pageSize / 8),
    pagesScaled: fields.integer('pagesScaled', 1, 1),
    levels,
    arena: parseArena(fields.object('arena'), pageSize, place),
    recorder: fields.oneOf('recorder', ['full', 'basic'], 'full'),
  };
}

function parseThp(object: JsonObject, place: SourcePlace): ThpSettings {
  const fields = new JsonFields(object, 'header, "thp"', place);
  const sizes = new Map<number, (typeof SIZE_MODES)[number]>();
  for (const key of Object.keys(object)) {
    if (key === 'enabled') continue;
    if (!/^\d+$/.test(key)) {
      throw formatError(place, `header, "thp": unknown key "${key}", expected "enabled" or a folio size in KiB`);
    }
    sizes.set(Number(key), fields.oneOf(key, SIZE_MODES));
  }
  return { enabled: fields.oneOf('enabled', GLOBAL_MODES), sizes };
}

function parseArena(object: JsonObject, pageSize: number, place: SourcePlace): ScenarioHeader['arena'] {
  const fields = new JsonFields(object, 'header, "arena"', place);
  const start = fields.string('start');
  if (!/^0x[0-9a-f]{1,16}$/.test(start)) fields.refuse('start', 'an address "0x..."');
  if (BigInt(start) % BigInt(pageSize) !== 0n) fields.refuse('start', `a multiple of the page size ${pageSize}`);
  return { start: BigInt(start), pages: fields.integer('pages', 1) };
}
