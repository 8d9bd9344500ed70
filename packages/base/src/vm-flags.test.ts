import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_READ,
  VM_SEALED,
  VM_SHADOW_STACK,
  VM_SHARED,
  VM_SOFTDIRTY,
  VM_UFFD_MASK,
  VM_UFFD_MINOR,
  VM_WRITE,
  equalFlags,
  flagsFromSmaps,
  hasAny,
  isAccountable,
  isCowMapping,
  isDataMapping,
  isStackMapping,
  protectionText,
  smapsFlagNames,
  withFlags,
  withoutFlags,
} from './vm-flags.js';

/** Any flag word: 44 bits. */
const flagWord = fc.nat(2 ** 44 - 1);

describe('flag words of 44 bits', () => {
  it('are set, cleared and tested like the bits of a bigint', () => {
    fc.assert(
      fc.property(flagWord, flagWord, (flags, mask) => {
        expect(BigInt(withFlags(flags, mask))).toBe(BigInt(flags) | BigInt(mask));
        expect(BigInt(withoutFlags(flags, mask))).toBe(BigInt(flags) & ~BigInt(mask));
        expect(hasAny(flags, mask)).toBe((BigInt(flags) & BigInt(mask)) !== 0n);
      }),
    );
  });

  it('never turn negative at bit 31', () => {
    expect(withFlags(VM_READ, VM_MERGEABLE)).toBe(2 ** 31 + 1);
    expect(withoutFlags(VM_READ + VM_MERGEABLE, VM_READ)).toBe(VM_MERGEABLE);
  });

  it('are compared but for some of the lower ones: soft-dirty keeps no VMAs apart', () => {
    expect(equalFlags(VM_READ | VM_SOFTDIRTY, VM_READ, VM_SOFTDIRTY)).toBe(true);
    expect(equalFlags(VM_READ | VM_LOCKED, VM_READ, VM_SOFTDIRTY)).toBe(false);
    expect(equalFlags(VM_READ + VM_SEALED, VM_READ, VM_SOFTDIRTY)).toBe(false);
  });

  it('are found in a mask with high bits', () => {
    expect(hasAny(VM_UFFD_MINOR, VM_UFFD_MASK)).toBe(true);
    expect(hasAny(VM_SEALED, VM_UFFD_MASK)).toBe(false);
  });
});

describe('the names of smaps', () => {
  it('are in the order of the bits', () => {
    expect(smapsFlagNames(VM_SEALED + VM_DROPPABLE + VM_LOCKED + VM_READ)).toEqual(['rd', 'lo', 'dp', 'sl']);
  });

  it('are read back as the flags that have names', () => {
    fc.assert(
      fc.property(flagWord, (flags) => {
        const names = smapsFlagNames(flags);
        expect(smapsFlagNames(flagsFromSmaps(names))).toEqual(names);
      }),
    );
    expect(flagsFromSmaps(['rd', 'zz', 'wr'])).toBe(VM_READ | VM_WRITE);
  });

  it('leave out what is asked to be left out', () => {
    expect(smapsFlagNames(VM_READ | VM_SOFTDIRTY, VM_SOFTDIRTY)).toEqual(['rd']);
  });
});

describe('classes of mappings', () => {
  it('a private mapping that may be written is copy-on-write, even while it is read-only', () => {
    expect(isCowMapping(VM_READ | VM_MAYWRITE)).toBe(true);
    expect(isCowMapping(VM_READ | VM_MAYWRITE | VM_SHARED)).toBe(false);
    expect(isCowMapping(VM_READ)).toBe(false);
  });

  it('private writable memory is charged and counted as data, a stack is neither data', () => {
    expect(isAccountable(VM_READ | VM_WRITE)).toBe(true);
    expect(isDataMapping(VM_READ | VM_WRITE)).toBe(true);
    expect(isDataMapping(VM_WRITE | VM_GROWSDOWN)).toBe(false);
    expect(isStackMapping(VM_WRITE | VM_GROWSDOWN)).toBe(true);
    expect(isStackMapping(VM_WRITE + VM_SHADOW_STACK)).toBe(true);
  });

  it('maps shows MAYSHARE: a shared mapping of a file opened for reading is "s" too', () => {
    expect(protectionText(VM_READ | VM_MAYSHARE)).toBe('r--s');
    expect(protectionText(VM_READ | VM_WRITE)).toBe('rw-p');
  });
});
