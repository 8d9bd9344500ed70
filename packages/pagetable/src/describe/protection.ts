import type { Arch } from '../arch.js';
import { PROT_EXEC, PROT_KEY_SHIFT, PROT_READ, PROT_WRITE, type PageProtection } from '../entry.js';

/**
 * The page protection of a mapping as `/proc/PID/maps` writes it (`r-xp`, or the first three letters): with the key
 * that makes memory execute-only where the architecture does it that way.
 *
 * @throws {RangeError} when it is not three letters of `rwx-`, and `p` or `s`
 */
export function parseProtection(arch: Arch, text: string): PageProtection {
  const match = /^([r-])([w-])([x-])[ps]?$/.exec(text);
  if (match === null) throw new RangeError(`protection: ${JSON.stringify(text)} is not of the form rwxp`);
  const [, read, write, exec] = match;
  const prot = (read === 'r' ? PROT_READ : 0) | (write === 'w' ? PROT_WRITE : 0) | (exec === 'x' ? PROT_EXEC : 0);
  return prot === PROT_EXEC ? prot | (arch.executeOnlyKey << PROT_KEY_SHIFT) : prot;
}
