import { MmError, type SysResult, refuse } from '@vmakit/base';
import type { Mm } from '../mm.js';

/**
 * Takes the mmap lock for writing, as every call that changes VMAs does.
 *
 * @returns EINTR when the process was killed while it waited (an injected failure): the lock is not held then.
 */
export function lockForWriting(mm: Mm): MmError | null {
  const { injector, locks, callGuard } = mm.env;
  if (callGuard !== null && callGuard.isRunning) callGuard.refuseReentry('a call that takes the mmap lock');
  if (injector !== null && injector.fails('mmap-lock-killed')) {
    return refuse('EINTR', 'spec 01.5: killed while waiting for the mmap lock');
  }
  if (locks.enabled) locks.acquire('mmap', mm.id, 'write');
  return null;
}

/** Takes the mmap lock for reading. */
export function lockForReading(mm: Mm): void {
  const { locks, callGuard } = mm.env;
  if (callGuard !== null && callGuard.isRunning) callGuard.refuseReentry('a call that takes the mmap lock');
  if (locks.enabled) locks.acquire('mmap', mm.id, 'read');
}

/** Gives the mmap lock back, however it was taken. */
export function unlock(mm: Mm): void {
  const { locks } = mm.env;
  if (locks.enabled) locks.release('mmap', mm.id);
}

/** Tells observers that a call begins. Ask `bus.observed` first. */
export function emitCallBegin(mm: Mm, call: string, start: number, pages: number): void {
  mm.env.bus.emit({ type: 'call.begin', process: mm.id, call, start, pages });
}

/** Tells observers what came of it; gives `result` back. */
export function emitCallEnd(mm: Mm, call: string, result: SysResult): SysResult {
  const refused = result instanceof MmError;
  mm.env.bus.emit({
    type: 'call.end',
    process: mm.id,
    call,
    result: refused ? null : result,
    errno: refused ? result.errno : null,
    rule: refused ? result.rule : null,
  });
  return result;
}
