import { createRequire } from 'node:module';
import { platform } from 'node:process';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { observeLargeArrays } from '@vmakit/base';
import type * as Koffi from 'koffi';

/** Bytes of a huge page. */
const HUGE_PAGE = 2 << 20;
/** madvise(2): huge pages are welcome. */
const MADV_HUGEPAGE = 14;

/** What threads inherit from one that uses huge pages. */
const INHERITED = '@vmakit/replay: huge pages';

type Madvise = (address: number, bytes: number, advice: number) => number;

/**
 * Has the operating system put the large arrays that this thread, and threads that do its jobs, make from now on onto
 * huge pages, where it is Linux and lets programs ask for them: with a million VMAs an operation takes a seventh to a
 * fifth less time (docs/performance.md). Nothing but speed changes, so it is up to whoever owns the process: call it
 * once, before the model has run. What makes the call is loaded when the first large array is made.
 */
export function useHugePages(): void {
  setEnvironmentData(INHERITED, true);
  if (platform !== 'linux') return;
  let advise: ((memory: ArrayBufferLike) => boolean) | null = null;
  observeLargeArrays((memory) => {
    advise ??= loadAdvise();
    // It would not be otherwise with the next one.
    if (!advise(memory)) observeLargeArrays(null);
  });
}

/** Does so if the thread that made this one has. */
export function useHugePagesAsParent(): void {
  if (getEnvironmentData(INHERITED) === true) useHugePages();
}

/** A function that asks for the whole huge pages inside some memory, and says whether they may be had. */
function loadAdvise(): (memory: ArrayBufferLike) => boolean {
  const require = createRequire(import.meta.url);
  try {
    const koffi = require('koffi') as typeof Koffi;
    const madvise = koffi.load(null).func('int madvise(uintptr_t, size_t, int)') as unknown as Madvise;
    return (memory) => {
      const address = Number(koffi.address(memory));
      const start = Math.ceil(address / HUGE_PAGE) * HUGE_PAGE;
      const end = Math.floor((address + memory.byteLength) / HUGE_PAGE) * HUGE_PAGE;
      return madvise(start, end - start, MADV_HUGEPAGE) === 0;
    };
  } catch {
    // A machine that the library is not built for: small pages do as well.
    return () => false;
  }
}
