import { type SysResult, refuse } from '@vmakit/base';
import type { Mm } from '../mm.js';
import { allocateKey } from './mmap-flags.js';

/** pkey_alloc. Success: the key, 1 or more. ENOSPC: none is left, or the processor has none. */
export function pkeyAlloc(mm: Mm): SysResult {
  const key = allocateKey(mm);
  return key < 0 ? refuse('ENOSPC', 'spec 01.5: no protection key is free') : key;
}

/** pkey_free. EINVAL: the key is not handed out, or is key 0 or that of execute-only memory. */
export function pkeyFree(mm: Mm, key: number): SysResult {
  const handedOut = key > 0 && key < 32 && (mm.protectionKeys & (1 << key)) !== 0;
  if (!handedOut || key === mm.executeOnlyKey) {
    return refuse('EINVAL', 'spec 01.5: protection key not allocated', { key });
  }
  mm.protectionKeys &= ~(1 << key);
  return 0;
}
