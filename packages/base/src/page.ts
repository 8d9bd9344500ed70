/**
 * A virtual page number: byte address divided by the page size. Exact as a `number` for every address width modelled.
 */
export type VirtualPage = number;
/** A physical frame number. */
export type FrameNumber = number;
/** A page offset (`vm_pgoff`, folio index): pages. */
export type PageOffset = number;

/** `value` rounded down to a multiple of `unit` (any positive integer below 2^53). */
export function alignDown(value: number, unit: number): number {
  return value - (value % unit);
}

/** `value` rounded up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  const rest = value % unit;
  return rest === 0 ? value : value + unit - rest;
}

/**
 * How far into its aligned span `page` lies. `span`: a power of two up to 2^31. For numbers above 2^31 this is many
 * times cheaper than `%`, which is a call there.
 */
export function pagesInto(page: number, span: number): number {
  return page & (span - 1);
}

/** Whether half-open ranges [aStart, aEnd) and [bStart, bEnd) share a page. */
export function rangesOverlap(aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
  return aStart < bEnd && bStart < aEnd;
}
