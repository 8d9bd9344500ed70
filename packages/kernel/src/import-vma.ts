import { type VmFlags, VM_ACCOUNT, VM_LOCKED } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { type Mm, accountMapping } from '@vmakit/mm';
import { anonVmaPrepare } from '@vmakit/rmap';
import { type Vma, allocateVma } from '@vmakit/vma-merge';

/** A VMA as somebody found it: a line of `/proc/PID/maps`, a record of perf. Pages. */
export interface FoundVma {
  readonly start: number;
  readonly end: number;
  readonly flags: VmFlags;
  readonly pageOffset: number;
  readonly file?: MappedFile | null;
  readonly name?: string | null;
  /** It has anonymous memory: it gets an anon_vma. */
  readonly faulted?: boolean;
}

/**
 * Puts a VMA into an address space as it stands, without any merge: the state in which a recording begins.
 *
 * @throws InvariantError when something is mapped there
 */
export function importVma(mm: Mm, found: FoundVma): Vma {
  const { env } = mm;
  const vma = allocateVma(mm, found.start, found.end, found.pageOffset, found.flags);
  vma.file = found.file ?? null;
  vma.name = found.name ?? null;
  if (vma.file !== null && env.profile.anonPageOffset) vma.anonPageOffset = found.start;
  mm.tree.insert(vma.row);
  mm.mapCount++;
  accountMapping(mm, vma.flags, vma.pages);
  if ((vma.flags & VM_LOCKED) !== 0) mm.lockedVm += vma.pages;
  if ((vma.flags & VM_ACCOUNT) !== 0) env.committed += vma.pages;
  if (found.faulted === true) anonVmaPrepare(env, vma.table, vma.row);
  return vma;
}
