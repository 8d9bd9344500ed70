export {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  MAP_32BIT,
  MAP_ABOVE4G,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGE_SHIFT,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_SYNC,
  MAP_TYPE,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MLOCK_ONFAULT,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_NONE,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
  SHM_EXEC,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
} from './calls/abi.js';
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
export { type Bytes, isByteCount, offsetInPage, pageOf, pagesCovering, wrapPages } from './calls/bytes.js';
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
export { copyLayout, defaultLayout, Mm, type MmLayout, type MmLimits } from './mm.js';
export { type AccessResult, frameAt, readByte } from './pages/access.js';
export {
  FAULT_COPIED,
  FAULT_FILE,
  FAULT_MIGRATING,
  FAULT_NEW,
  FAULT_OK,
  FAULT_OOM,
  FAULT_POISONED,
  FAULT_READ,
  FAULT_REUSED,
  FAULT_SIGBUS,
  FAULT_SIGSEGV,
  FAULT_SWAPPED_IN,
  FAULT_UNSHARE,
  FAULT_USERFAULT,
  FAULT_WRITE,
  FAULT_ZERO_PAGE,
  type FaultAccess,
  faultName,
} from './pages/fault-result.js';
export { handleFault } from './pages/fault.js';
export { splitFolio } from './pages/folio-split.js';
export { pinRange, unpinAll } from './pages/gup.js';
export { breakKsm, ksmScan } from './pages/ksm.js';
export { beginMigration, finishMigration } from './pages/migrate.js';
export { type PopulateKind, populateRange } from './pages/populate.js';
export { clearSoftDirty } from './pages/soft-dirty.js';
export { splitHugePmd } from './pages/thp.js';
export { userfaultPoison, userfaultProtect } from './pages/uffd.js';
export {
  defaultSettings,
  type MmSettings,
  type OvercommitMode,
  type ThpMode,
  type ThpSettings,
  type ThpSizeMode,
} from './settings.js';
