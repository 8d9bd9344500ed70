import { VM_HUGEPAGE, VM_NOHUGEPAGE, type VmFlags, pagesInto } from '@vmakit/base';
import type { Vma } from '@vmakit/vma-merge';
import type { ThpMode, ThpSettings } from '../settings.js';

/** Orders (as bit masks) by the mode that their size has. */
class OrderMasks {
  readonly settings: ThpSettings;
  always = 0;
  madvise = 0;
  inherit = 0;

  constructor(settings: ThpSettings) {
    this.settings = settings;
    for (const [order, mode] of settings.sizes) {
      if (mode === 'always') this.always |= 1 << order;
      else if (mode === 'madvise') this.madvise |= 1 << order;
      else if (mode === 'inherit') this.inherit |= 1 << order;
    }
  }
}

let lastMasks = new OrderMasks({ enabled: 'never', sizes: new Map(), useZeroPage: true });

/**
 * The orders, as a bit mask, of large folios that a fault in an anonymous VMA with these flags may use. Sizes that are
 * `inherit` go by the global mode; MADV_NOHUGEPAGE forbids all, MADV_HUGEPAGE allows those of mode `madvise` (spec 03
 * section 8).
 */
export function allowableOrders(settings: ThpSettings, flags: VmFlags): number {
  if ((flags & VM_NOHUGEPAGE) !== 0) return 0;
  // Settings hardly ever change, so the masks of the last ones are kept.
  if (lastMasks.settings !== settings) lastMasks = new OrderMasks(settings);
  const advised = (flags & VM_HUGEPAGE) !== 0;
  let orders = lastMasks.always;
  if (advised) orders |= lastMasks.madvise;
  if (inheritApplies(settings.enabled, advised)) orders |= lastMasks.inherit;
  return orders;
}

function inheritApplies(enabled: ThpMode, advised: boolean): boolean {
  return enabled === 'always' || (advised && enabled === 'madvise');
}

/** The greatest order in a mask that is not 0. */
export function greatestOrder(orders: number): number {
  return 31 - Math.clz32(orders);
}

/** Whether the naturally aligned block of 2^order pages around `page` lies inside the VMA. */
export function blockFits(vma: Vma, page: number, order: number): boolean {
  const size = 2 ** order;
  const base = page - pagesInto(page, size);
  return base >= vma.start && base + size <= vma.end;
}
