import { LeafKind, type MremapPolicy, type PolicyContext, definePolicy } from '@vmakit/mremap';
import { LARGE_FOLIO, type LargeFolioHandler } from '@vmakit/policy-relocate-anon';
import { relocateHugeEntry } from './huge-entry.js';
import { relocateLargeFolioPage } from './small-entries.js';

/**
 * Large folios for relocation (spec 07): those inside the moved range get their new offset as a whole, those that cross
 * an end are split. Needs `relocateAnon` in the same kernel; its variant decides which repairs hold here too.
 *
 * @example
 * const kernel = createKernel({ policies: [relocateAnon(), largeFolio()] });
 */
export function largeFolio(): MremapPolicy {
  return definePolicy({ name: 'large-folio', contributions: [LARGE_FOLIO.of({ setup: handlerOf })] });
}

function handlerOf(context: PolicyContext): LargeFolioHandler {
  return {
    leaf: (move, leaf, relocation) =>
      leaf.kind === LeafKind.Page
        ? relocateLargeFolioPage(move, leaf, relocation, context.memory)
        : relocateHugeEntry(move, leaf, relocation, context),
  };
}
