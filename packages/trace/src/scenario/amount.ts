/**
 * An address, length or offset of an operation (golden/FORMAT.md "Operations"). A plain number counts pages: for an
 * address from the start of the window, and below 0 before it. The other two forms reach what is not page aligned.
 */
export type Amount = number | ByteAmount | RawAmount;

/** `"+N"`: N bytes; for an address from the start of the window. */
export interface ByteAmount {
  readonly bytes: number;
}

/** `"0x..."`: the raw 64-bit value, an address or a length in bytes. */
export interface RawAmount {
  readonly raw: bigint;
}

const BYTES = /^\+(\d{1,15})$/;
const RAW = /^0x[0-9a-f]{1,16}$/;

/** Reads the JSON form; `undefined` when it is none of the three. */
export function parseAmount(value: unknown): Amount | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const bytes = BYTES.exec(value);
  if (bytes !== null) return { bytes: Number(bytes[1]) };
  return RAW.test(value) ? { raw: BigInt(value) } : undefined;
}

/** The JSON form of an amount. */
export function amountToJson(amount: Amount): number | string {
  if (typeof amount === 'number') return amount;
  return 'bytes' in amount ? `+${amount.bytes}` : `0x${amount.raw.toString(16)}`;
}

/** Multiplies an amount that is scaled with the page geometry (golden/FORMAT.md, `pagesScaled`); raw values stay. */
export function scaleAmount(amount: Amount, factor: number): Amount {
  if (typeof amount === 'number') return amount * factor;
  return 'bytes' in amount ? { bytes: amount.bytes * factor } : amount;
}
