import type { Scene } from './scene.js';

/** Ends every process of a scene, and says what is still there: objects, tables, frames, charges, locks. */
export function leftovers(scene: Scene): string | null {
  const { kernel } = scene;
  const { env } = kernel;
  for (const process of kernel.processes.values()) {
    process.unpin();
    process.exit();
  }
  // The same-page merger lets go of dead processes at its next scan; files keep their pages until they are gone.
  kernel.scanForSamePages();
  for (const file of env.files.values()) file.release(env.memory, env.swap);
  const left: Record<string, number> = {
    anon_vmas: env.anonVmas.liveCount,
    'page tables': env.tablePool.live.reduce((sum, count) => sum + count, 0),
    frames: env.memory.usedFrames,
    'swap slots': env.swap.used,
    'charged pages': env.committed,
    locks: scene.locks.held().length,
  };
  const found = Object.entries(left).filter(([, count]) => count !== 0);
  return found.length === 0 ? null : `left behind: ${found.map(([name, count]) => `${count} ${name}`).join(', ')}`;
}
