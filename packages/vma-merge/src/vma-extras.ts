import type { MappedFile } from '@vmakit/folio';
import type { MemoryPolicy } from '@vmakit/rmap';
import type { UserfaultContext } from './vma.js';

/**
 * What most VMAs of a program have none of. Never changed: VMAs that come of each other share one, and all that have
 * nothing of it share {@link PLAIN}, so that a VMA is small, quickly copied and quickly compared.
 */
export class VmaExtras {
  readonly file: MappedFile | null;
  readonly policy: MemoryPolicy | null;
  readonly uffd: UserfaultContext | null;
  readonly name: string | null;
  /** How far `anonPageOffset` is above `pageOffset`; null: not at all, as in all memory but that of files. */
  readonly anonDistance: number | null;

  constructor(
    file: MappedFile | null,
    policy: MemoryPolicy | null,
    uffd: UserfaultContext | null,
    name: string | null,
    anonDistance: number | null,
  ) {
    this.file = file;
    this.policy = policy;
    this.uffd = uffd;
    this.name = name;
    this.anonDistance = anonDistance;
  }
}

export const PLAIN: VmaExtras = new VmaExtras(null, null, null, null, null);

export function extrasOf(
  file: MappedFile | null,
  policy: MemoryPolicy | null,
  uffd: UserfaultContext | null,
  name: string | null,
  anonDistance: number | null,
): VmaExtras {
  const isPlain = file === null && policy === null && uffd === null && name === null && anonDistance === null;
  return isPlain ? PLAIN : new VmaExtras(file, policy, uffd, name, anonDistance);
}
