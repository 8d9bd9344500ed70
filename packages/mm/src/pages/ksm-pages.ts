import type { AnonVma } from '@vmakit/rmap';

/** What KSM remembers of one merged page of an address space: it keeps the anon_vma alive that the page once had. */
export interface KsmItem {
  readonly frame: number;
  readonly anonVma: AnonVma;
}

/**
 * What KSM remembers of one address space, by page. An item outlives its page: it is forgotten when the scanner comes
 * by again.
 */
export class KsmPages {
  readonly mmId: number;
  readonly items: Map<number, KsmItem> = new Map();

  constructor(mmId: number) {
    this.mmId = mmId;
  }
}

/** A merged page: one frame for all pages with its content. */
export interface KsmNode {
  readonly frame: number;
  readonly generation: number;
  sharers: number;
}

/** The same-page merger of a kernel: what it has merged so far. */
export class KsmState {
  /** Address spaces that have merged pages, the dead ones too until the next scan. */
  readonly spaces: Set<KsmPages> = new Set();
  /** Merged pages by content; several when one has too many sharers. */
  readonly stable: Map<number, KsmNode[]> = new Map();
}
