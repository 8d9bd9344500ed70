export * from './calls/abi.js';
export {
  accountMapping,
  canLock,
  chargeMemory,
  mayExpand,
  mayLockMore,
  refuseCharge,
  refuseExpansion,
  unchargeMemory,
} from './calls/accounting.js';
export * from './calls/aio.js';
export * from './calls/brk.js';
export * from './calls/bytes.js';
export { lockForReading, lockForWriting, unlock } from './calls/call.js';
export * from './calls/exit.js';
export * from './calls/files.js';
export * from './calls/fork.js';
export * from './calls/keys.js';
export * from './calls/madvise.js';
export * from './calls/mbind.js';
export * from './calls/mlock.js';
export * from './calls/mmap.js';
export { type FileAccess, isLockable } from './calls/mmap-flags.js';
export * from './calls/mprotect.js';
export * from './calls/mseal.js';
export * from './calls/msync.js';
export { munmap, munmapBytes, unmapRange } from './calls/munmap.js';
export * from './calls/placement.js';
export * from './calls/prctl.js';
export * from './calls/remap-file-pages.js';
export * from './calls/shm.js';
export * from './calls/stack.js';
export * from './calls/userfault.js';
export * from './environment.js';
export * from './mm.js';
export * from './pages/access.js';
export * from './pages/fault-result.js';
export { handleFault } from './pages/fault.js';
export { splitFolio } from './pages/folio-split.js';
export * from './pages/gup.js';
export { breakKsm, ksmScan } from './pages/ksm.js';
export * from './pages/migrate.js';
export * from './pages/populate.js';
export { clearSoftDirty } from './pages/soft-dirty.js';
export { splitHugePmd } from './pages/thp.js';
export { userfaultPoison, userfaultProtect } from './pages/uffd.js';
export { zapRange } from './pages/zap.js';
export * from './settings.js';
