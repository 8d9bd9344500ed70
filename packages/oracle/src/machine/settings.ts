import { readFile, readdir } from 'node:fs/promises';
import { arch, release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { Unavailable } from '../unavailable.js';
import { type KernelRelease, type ProfileChoice, chooseProfile, parseRelease } from './kernel-release.js';

const MODES = ['never', 'madvise', 'always', 'inherit'] as const;
export type FolioSizeMode = (typeof MODES)[number];

/** The settings of the running kernel that the model must share. Pages unless said otherwise. */
export interface MachineSettings {
  readonly release: KernelRelease;
  readonly profile: ProfileChoice;
  readonly arch: 'x86-64' | 'arm64';
  readonly maxMapCount: number;
  readonly mmapMinBytes: number;
  readonly overcommit: 'guess' | 'always' | 'never';
  /** The global mode of transparent huge pages, and the modes of single folio sizes by KiB. */
  readonly thpEnabled: 'never' | 'madvise' | 'always';
  readonly thpSizes: ReadonlyMap<number, FolioSizeMode>;
  readonly hugeZeroPage: boolean;
  /** null: the kernel does not say how it was configured. */
  readonly softDirty: boolean | null;
  readonly anonymousNames: boolean | null;
  /** Execute-only memory is really that, by a protection key (x86-64 with pku). */
  readonly protectionKeys: boolean;
  readonly swap: boolean;
  readonly hugetlbPages: number;
  /** RAM and swap, KiB. */
  readonly totalKib: number;
}

/** Reads a file of /proc or /sys, empty when it is not there. */
async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function readNumber(path: string, fallback: number): Promise<number> {
  const text = (await read(path)).trim();
  return /^\d+$/.test(text) ? Number(text) : fallback;
}

/** The word in brackets: `always [madvise] never`. */
function chosenMode(text: string): FolioSizeMode {
  const chosen = /\[(\w+)\]/.exec(text)?.[1];
  return MODES.find((mode) => mode === chosen) ?? 'never';
}

const THP = '/sys/kernel/mm/transparent_hugepage';

async function readFolioSizes(): Promise<Map<number, FolioSizeMode>> {
  const sizes = new Map<number, FolioSizeMode>();
  for (const name of await readdir(THP).catch(() => [])) {
    const kib = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    if (kib === undefined) continue;
    const mode = chosenMode(await read(`${THP}/${name}/enabled`));
    if (mode !== 'never') sizes.set(Number(kib), mode);
  }
  return sizes;
}

function kibField(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0);
}

/** Whether this process's mappings carry the soft-dirty flag: they always do where it is configured. */
async function probeSoftDirty(): Promise<boolean | null> {
  const smaps = await read('/proc/self/smaps');
  if (!smaps.includes('VmFlags:')) return null;
  return /^VmFlags:.* sd\b/m.test(smaps);
}

/** From the kernel's own configuration, where it carries that along. */
async function probeAnonymousNames(): Promise<boolean | null> {
  const packed = await readFile('/proc/config.gz').catch(() => null);
  return packed === null ? null : /^CONFIG_ANON_VMA_NAME=y$/m.test(gunzipSync(packed).toString('latin1'));
}

/** Reads the settings of the running kernel, or says what is missing for knowing them. */
export async function readMachineSettings(): Promise<MachineSettings | Unavailable> {
  const kernel = parseRelease(release());
  if (process.platform !== 'linux' || kernel === null) {
    return new Unavailable(`the live kernel must be Linux, and this is ${process.platform} ${release()}`);
  }
  const machine = arch();
  if (machine !== 'x64' && machine !== 'arm64') {
    return new Unavailable(`the model knows x86-64 and arm64, and this machine is ${machine}`);
  }
  const [meminfo, enabled, zeroPage, overcommit] = await Promise.all([
    read('/proc/meminfo'),
    read(`${THP}/enabled`),
    read(`${THP}/use_zero_page`),
    readNumber('/proc/sys/vm/overcommit_memory', 0),
  ]);
  const global = chosenMode(enabled);
  return {
    release: kernel,
    profile: chooseProfile(kernel),
    arch: machine === 'x64' ? 'x86-64' : 'arm64',
    maxMapCount: await readNumber('/proc/sys/vm/max_map_count', 65530),
    mmapMinBytes: await readNumber('/proc/sys/vm/mmap_min_addr', 65536),
    overcommit: (['guess', 'always', 'never'] as const)[overcommit] ?? 'guess',
    thpEnabled: global === 'inherit' ? 'never' : global,
    thpSizes: await readFolioSizes(),
    hugeZeroPage: zeroPage.trim() === '1',
    softDirty: await probeSoftDirty(),
    anonymousNames: await probeAnonymousNames(),
    protectionKeys: / ospke\b/.test(await read('/proc/cpuinfo')),
    swap: kibField(meminfo, 'SwapTotal') > 0,
    hugetlbPages: await readNumber('/proc/sys/vm/nr_hugepages', 0),
    totalKib: kibField(meminfo, 'MemTotal') + kibField(meminfo, 'SwapTotal'),
  };
}
