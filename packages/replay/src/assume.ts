import { VM_SHARED, VM_WRITE } from '@vmakit/base';
import type { Process } from '@vmakit/kernel';
import type { SyscallEvent } from '@vmakit/trace';
import { isAnonymous } from '@vmakit/vma-merge';

/** Up to this many pages a new range is touched whole; of a larger one every so manieth page. */
const WHOLE = 1024;

/**
 * What a recording without page faults is taken to mean: writable anonymous memory is touched as soon as a call makes
 * it (traces/README.md section 1, pitfall 6). What decides merges is that a VMA was touched, not how much of it.
 */
export function assumeTouched(process: Process, event: SyscallEvent): void {
  const bytes = process.mm.env.arch.pageSize;
  if (event.errno !== null || event.result === null) return;
  switch (event.call) {
    case 'mmap':
      touchWritable(process, event.result / bytes, event.args.length / bytes);
      break;
    case 'mprotect':
    case 'pkey_mprotect':
      touchWritable(process, event.args.address / bytes, event.args.length / bytes);
      break;
    case 'mremap':
      touchWritable(process, event.result / bytes, event.args.newLength / bytes);
      break;
    case 'brk':
      touchHeap(process, event.result);
      break;
    default:
      break;
  }
}

function touchHeap(process: Process, end: number): void {
  const bytes = process.mm.env.arch.pageSize;
  const last = Math.ceil(end / bytes) - 1;
  const heap = process.mm.tree.at(last);
  if (heap !== null && !heap.faulted) touchWritable(process, last, 1);
}

/** Touches the writable private anonymous memory of a range that was not touched yet. */
function touchWritable(process: Process, start: number, pages: number): void {
  const { mm } = process;
  const end = start + Math.ceil(pages);
  for (let vma = mm.tree.firstOverlap(start, end); vma !== null && vma.start < end; vma = vma.next) {
    if ((vma.flags & (VM_WRITE | VM_SHARED)) !== VM_WRITE || !isAnonymous(vma)) continue;
    touchRange(process, Math.max(vma.start, start), Math.min(vma.end, end));
  }
}

function touchRange(process: Process, start: number, end: number): void {
  const pages = end - start;
  const stride = pages <= WHOLE ? 1 : Math.max(1, Math.floor(pages / WHOLE));
  process.touch(start, pages, { stride });
}
