import type { Mm } from '@vmakit/mm';
import { anonIndex, chainOf, type AnonVma } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { ViolationList } from '../violation.js';

/**
 * S4.1, S4.7, S4.8: the reverse-map walk from the folio of `frame` finds this mapping of it, at this page.
 *
 * The walk goes through the tree of the folio's anon_vma and computes an address in each mapping that it finds there.
 * Since the links are checked by themselves (S3.1, S3.4), it comes here exactly once if this mapping is linked to that
 * anon_vma and the offsets agree. What is reported is what goes wrong first: the anon_vma is gone (S4.8), it does not
 * lead here (S4.1), the address is another (S4.7).
 *
 * @param under reports under this number instead: a page in the swap cache (S4.9)
 */
export function checkReverseMapping(
  mm: Mm,
  vma: Vma,
  page: number,
  frame: number,
  violations: ViolationList,
  under: string | null = null,
): void {
  const { memory, anonVmas } = mm.env;
  const head = memory.headOf(frame);
  const id = memory.mapping[head] as number;
  const anonVma = anonVmas.byId(id);
  if (anonVma === undefined) {
    violations.add(under ?? 'S4.8', 'a folio points to a living anon_vma', { mm: mm.id, page, head, anonVma: id });
    return;
  }
  // The usual case first, without a look at the list.
  if (vma.anonVma !== anonVma && !isLinked(vma, anonVma)) {
    violations.add(under ?? 'S4.1', 'the walk from a folio comes to each of its mappings', {
      mm: mm.id,
      page,
      head,
      anonVma: id,
    });
    return;
  }
  const index = (memory.index[head] as number) + (frame - head);
  if (index !== anonIndex(vma, page)) {
    violations.add(under ?? 'S4.7', 'the index of a page is that of the place where it is mapped', {
      mm: mm.id,
      page,
      head,
      index,
      expected: anonIndex(vma, page),
    });
  }
}

function isLinked(vma: Vma, anonVma: AnonVma): boolean {
  for (const link of chainOf(vma)) if (link.anonVma === anonVma) return true;
  return false;
}
