import { type SysResult, VM_DONTEXPAND, refuse, withFlags } from '@vmakit/base';
import type { Mm } from '../mm.js';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from './abi.js';
import { makeFile } from './files.js';
import { mmap } from './mmap.js';
import { munmap } from './munmap.js';

/** Bytes of the ring's head and of one event. */
const RING_HEAD_BYTES = 32;
const EVENT_BYTES = 32;

/**
 * io_setup as far as memory goes: maps the ring of completion events. The ring has room for at least `events`, and for
 * four per processor; twice that, since each processor keeps some back.
 *
 * @param placeAt page at which a recording says the kernel put it
 * @returns the first page of the ring: its address is the context's handle
 */
export function ioSetup(mm: Mm, events: number, processors: number, placeAt?: number): SysResult {
  if (events === 0) return refuse('EINVAL', 'io_setup: no events');
  const wanted = Math.max(events, processors * 4) * 2 + 2;
  const pages = Math.ceil((RING_HEAD_BYTES + EVENT_BYTES * wanted) / mm.env.arch.pageSize);
  const start = mmap(mm, {
    start: 0,
    pages,
    prot: PROT_READ | PROT_WRITE,
    flags: MAP_SHARED,
    file: makeFile(mm.env, 'special', pages, '/[aio]'),
    ...(placeAt === undefined ? {} : { placeAt }),
  });
  const ring = typeof start === 'number' ? mm.tree.at(start) : null;
  if (ring !== null) ring.flags = withFlags(ring.flags, VM_DONTEXPAND);
  return start;
}

/** io_destroy: unmaps the ring at page `start`. EINVAL when there is none. Success: 0. */
export function ioDestroy(mm: Mm, start: number): SysResult {
  const ring = mm.tree.at(start);
  if (ring === null || ring.start !== start || ring.file?.name !== '/[aio]') {
    return refuse('EINVAL', 'io_destroy: no ring is mapped there', { start });
  }
  return munmap(mm, start, ring.pages);
}
