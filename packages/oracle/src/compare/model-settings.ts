import type { KernelProfile } from '@vmakit/base';
import type { MmSettings } from '@vmakit/mm';
import { type Arch, createArch } from '@vmakit/pagetable';
import type { ScenarioHeader } from '@vmakit/trace';
import { type MachineOptions, ScenarioMachine } from '@vmakit/verify';
import { ARENA_PAGES, ARENA_START } from '../driver/protocol.js';
import type { MachineSettings } from '../machine/settings.js';

/** How to make models of the live machine. */
export interface LiveModel {
  /** What a scenario recorded there says of it. */
  readonly header: ScenarioHeader;
  readonly options: MachineOptions;
}

/** The model of a machine with these settings. `profile`: another than the one of its kernel. */
export function modelOf(
  machine: MachineSettings,
  pageSize: number,
  profile: KernelProfile['name'] = machine.profile.name,
): LiveModel {
  const header: ScenarioHeader = {
    name: 'live',
    group: 'live',
    about: '',
    seed: null,
    thp: { enabled: machine.thpEnabled, sizes: machine.thpSizes },
    repairs: [],
    injected: false,
    inconsistent: null,
    kernel: machine.release.text,
    arch: machine.arch === 'x86-64' ? 'x86_64' : 'aarch64',
    pageSize,
    pmdPages: pageSize / 8,
    pagesScaled: 1,
    levels: null,
    arena: { start: BigInt(ARENA_START), pages: ARENA_PAGES },
    recorder: 'basic',
  };
  // No released kernel relocates.
  const options = { policies: [], profile, arch: archOf(machine, pageSize), settings: settingsOf(machine, pageSize) };
  return { header, options };
}

/** A model with one process that has nothing mapped. */
export function newMachine(model: LiveModel): ScenarioMachine {
  return new ScenarioMachine({ header: model.header, steps: [] }, model.options);
}

function archOf(machine: MachineSettings, pageSize: number): Arch {
  const name = machine.arch === 'x86-64' ? machine.arch : `arm64-${pageSize / 1024}k`;
  return createArch(name, { softDirty: machine.softDirty ?? true });
}

function settingsOf(machine: MachineSettings, pageSize: number): Partial<MmSettings> {
  const kib = pageSize / 1024;
  const sizes = new Map([...machine.thpSizes].map(([size, mode]) => [Math.log2(size / kib), mode]));
  return {
    maxMapCount: machine.maxMapCount,
    mmapMinPage: Math.ceil(machine.mmapMinBytes / pageSize),
    overcommit: machine.overcommit,
    totalPages: Math.floor(machine.totalKib / kib),
    thp: { enabled: machine.thpEnabled, sizes, useZeroPage: machine.hugeZeroPage },
    ...(machine.protectionKeys ? {} : { protectionKeys: 0 }),
    ...(machine.softDirty === null ? {} : { softDirty: machine.softDirty }),
    ...(machine.anonymousNames === null ? {} : { anonymousNames: machine.anonymousNames }),
  };
}
