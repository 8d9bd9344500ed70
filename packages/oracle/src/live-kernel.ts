import type { KernelProfile } from '@vmakit/base';
import { Differential } from './compare/differential.js';
import { type LiveModel, modelOf } from './compare/model-settings.js';
import { LiveDriver } from './driver/live-driver.js';
import { type MachineSettings, readMachineSettings } from './machine/settings.js';
import { Unavailable } from './unavailable.js';

export interface LiveKernelOptions {
  /** The kernel that the model is to be; default: the profile nearest to the one that runs. */
  readonly profile?: KernelProfile['name'];
  /** Perform relocating moves as plain ones instead of leaving them out. */
  readonly plainMoves?: boolean;
  /** Milliseconds that one operation may take. */
  readonly patience?: number;
}

/**
 * The kernel that is running, and a model of it with the same settings.
 *
 * @example
 * const live = await openLiveKernel();
 * if (live instanceof Unavailable) return console.log(live.reason);
 * const { difference } = await live.differential.run(operations, THOROUGH);
 * await live.close();
 */
export class LiveKernel {
  readonly settings: MachineSettings;
  readonly driver: LiveDriver;
  readonly model: LiveModel;
  readonly differential: Differential;

  constructor(settings: MachineSettings, driver: LiveDriver, model: LiveModel, plainMoves: boolean) {
    this.settings = settings;
    this.driver = driver;
    this.model = model;
    const { swap, hugetlbPages } = settings;
    const context = { greeting: driver.greeting, swap, hugetlbPages, plainMoves };
    this.differential = new Differential({ driver, model, context });
  }

  /** The kernel and what it was taken for, in one line, and one more line for each thing that is worth knowing. */
  describe(): string[] {
    const { release, profile, thpEnabled } = this.settings;
    const { zeroFrame, frameCounts } = this.driver.greeting;
    const name = this.model.options.profile ?? profile.name;
    const lines = [`Linux ${release.text} beside the model ${String(name)} (huge pages: ${thpEnabled})`];
    if (profile.note !== null && name === profile.name) lines.push(profile.note);
    if (zeroFrame === 0) lines.push('Frame numbers are hidden (not root): which page is which is not compared');
    else if (!frameCounts) lines.push('/proc/kpagecount cannot be read (not root): map counts are not compared');
    return lines;
  }

  async close(): Promise<void> {
    await this.driver.close();
  }
}

/** Makes ready to run programs on the kernel that is running, or says in one sentence what is missing for that. */
export async function openLiveKernel(options: LiveKernelOptions = {}): Promise<LiveKernel | Unavailable> {
  const settings = await readMachineSettings();
  if (settings instanceof Unavailable) return settings;
  const { patience, plainMoves = false, profile } = options;
  const driver = await LiveDriver.start(patience === undefined ? {} : { patience });
  if (driver instanceof Unavailable) return driver;
  return new LiveKernel(settings, driver, modelOf(settings, driver.greeting.pageSize, profile), plainMoves);
}
