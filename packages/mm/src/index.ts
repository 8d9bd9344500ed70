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
export { pageFault, touch, type TouchOptions } from './calls/access.js';
export { ioDestroy, ioSetup } from './calls/aio.js';
export { brk, moveBreak } from './calls/brk.js';
export { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './calls/bytes.js';
export { lockForReading, lockForWriting, unlock } from './calls/call.js';
export { exitMm } from './calls/exit.js';
export { makeFile } from './calls/files.js';
export { execMm, forkMm } from './calls/fork.js';
export { pkeyAlloc, pkeyFree } from './calls/keys.js';
export { type AdvisedRange, madvise, madviseBytes, processMadvise } from './calls/madvise.js';
export { mbind, mbindBytes } from './calls/mbind.js';
export { mlock, mlockall, mlockBytes, munlock, munlockall, munlockBytes } from './calls/mlock.js';
export { type FileMapping, mmap, mmapBytes, type MmapRequest } from './calls/mmap.js';
export { type FileAccess, isLockable } from './calls/mmap-flags.js';
export { mprotect, mprotectBytes } from './calls/mprotect.js';
export { mseal, msealBytes } from './calls/mseal.js';
export { msync, msyncBytes } from './calls/msync.js';
export { munmap, munmapBytes, unmapRange, unmapVma } from './calls/munmap.js';
export { getUnmappedArea } from './calls/placement.js';
export { setAnonymousName, setAnonymousNameBytes, setDenyWriteExec, setMemoryMerge } from './calls/prctl.js';
export { remapFilePages } from './calls/remap-file-pages.js';
export { shmat, type ShmatRequest, shmdt } from './calls/shm.js';
export { expandStack } from './calls/stack.js';
export {
  registerUserfault,
  registerUserfaultBytes,
  releaseUserfault,
  unregisterUserfault,
  type UserfaultMode,
} from './calls/userfault.js';
export { type CallGuard, type EnvironmentParts, MmEnvironment } from './environment.js';
export { defaultLayout, Mm, type MmLayout, type MmLimits } from './mm.js';
export { type AccessResult, frameAt, readByte } from './pages/access.js';
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
export {
  defaultSettings,
  type MmSettings,
  type OvercommitMode,
  type ThpMode,
  type ThpSettings,
  type ThpSizeMode,
} from './settings.js';
