import { type ExtensionPoint, type Leaf, type Move, type PolicyContext, defineExtensionPoint } from '@vmakit/mremap';
import type { Relocation } from './relocation.js';

/**
 * How pages of large folios, and huge entries, are relocated. Without such rules in the kernel relocation gives up as
 * soon as it meets one.
 */
export interface LargeFolioRules {
  /** Called once for each kernel. */
  setup(context: PolicyContext): LargeFolioHandler;
}

/** The rules at work in one kernel. */
export interface LargeFolioHandler {
  /**
   * An entry that maps a page of a large folio (small entry), or a huge entry of any kind. Called in the moment `leaf`
   * (while undoing: of a walk in `undo`), with the folio locked if there is one; answers as that hook does. It changes
   * folios through `relocation`.
   */
  leaf(move: Move, leaf: Leaf, relocation: Relocation): number;
}

/** Where large folios are handled: filled by `policy-large-folio`. One contribution at most. */
export const LARGE_FOLIO: ExtensionPoint<LargeFolioRules> = defineExtensionPoint<LargeFolioRules>(
  'relocate-anon/large-folio',
  1,
);
