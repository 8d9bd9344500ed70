import type { PhysicalMemory } from '@vmakit/folio';
import type { Arch, EntryWords } from '@vmakit/pagetable';

/** S5.4: the block of an entry with the contiguous hint is whole, aligned, uniform, and of one folio. */
export function checkContiguous(
  arch: Arch,
  memory: PhysicalMemory,
  words: EntryWords,
  at: number,
  page: number,
): boolean {
  const size = arch.contiguousEntries;
  const offset = page % size;
  const first = at - 2 * offset;
  const frame = arch.pfn(words, at, 0) - offset;
  if (frame % size !== 0) return false;
  const folio = memory.headOf(frame);
  if (frame + size > folio + (1 << (memory.order[folio] as number))) return false;
  for (let i = 0; i < size; i++) {
    const entry = first + 2 * i;
    if (!arch.isPresent(words, entry) || !arch.isContiguous(words, entry)) return false;
    if (arch.pfn(words, entry, 0) !== frame + i) return false;
    if (arch.isWritable(words, entry) !== arch.isWritable(words, at)) return false;
    if (arch.isProtNone(words, entry) || arch.isUffdWp(words, entry) !== arch.isUffdWp(words, at)) return false;
  }
  return true;
}
