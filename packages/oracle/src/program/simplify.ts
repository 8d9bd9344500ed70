import type { Operation } from '@vmakit/trace';

/** Simpler forms of one operation, each in one way; the simplest first. */
export function simplerForms(operation: Operation): Operation[] {
  switch (operation.op) {
    case 'mmap': {
      const forms: Operation[] = [];
      if (operation.prot !== 'rw-') forms.push({ ...operation, prot: 'rw-' });
      for (const flag of ['NORESERVE', 'POPULATE'] as const) {
        const flags = operation.flags.filter((name) => name !== flag);
        if (flags.length < operation.flags.length) forms.push({ ...operation, flags });
      }
      if (operation.flags.includes('FIXED_NOREPLACE')) {
        forms.push({
          ...operation,
          flags: operation.flags.map((name) => (name === 'FIXED_NOREPLACE' ? 'FIXED' : name)),
        });
      }
      if (operation.fd !== null && operation.off !== 0) forms.push({ ...operation, off: 0 });
      return forms;
    }
    case 'touch': {
      const forms: Operation[] = [];
      if (operation.len !== 1) forms.push({ ...operation, len: 1, stride: 1 });
      if (operation.stride !== 1) forms.push({ ...operation, stride: 1 });
      if (operation.value !== 1) forms.push({ ...operation, value: 1 });
      return forms;
    }
    case 'mremap': {
      const flags = operation.flags.filter((name) => name !== 'DONTUNMAP');
      return flags.length < operation.flags.length ? [{ ...operation, flags }] : [];
    }
    case 'mlock':
      return operation.onfault ? [{ ...operation, onfault: false }] : [];
    default:
      return [];
  }
}

/** Every page number that the operations name as the start or end of a range, in rising order. */
export function boundaries(operations: readonly Operation[]): number[] {
  const pages = new Set<number>();
  for (const operation of operations) {
    mapRanges(operation, (page) => {
      pages.add(page);
      return page;
    });
  }
  return [...pages].sort((a, b) => a - b);
}

/** The operations with all pages from `from` on `by` pages lower. */
export function closeUp(operations: readonly Operation[], from: number, by: number): Operation[] {
  return operations.map((operation) => mapRanges(operation, (page) => (page >= from ? page - by : page)));
}

/** The operation with starts and ends of its ranges replaced; only plain page numbers are. */
function mapRanges(operation: Operation, move: (page: number) => number): Operation {
  if (operation.op === 'mremap') {
    const { addr, oldLen, newLen, newAddr } = operation;
    if (typeof addr !== 'number' || typeof oldLen !== 'number' || typeof newLen !== 'number') return operation;
    const start = move(addr);
    const length = move(addr + oldLen) - start;
    if (typeof newAddr !== 'number') {
      return {
        ...operation,
        addr: start,
        oldLen: length,
        newLen: newLen === oldLen ? length : move(addr + newLen) - start,
      };
    }
    const target = move(newAddr);
    const newLength = move(newAddr + newLen) - target;
    return { ...operation, addr: start, oldLen: length, newLen: newLength, newAddr: target };
  }
  if (!('addr' in operation)) return operation;
  const { addr, len } = operation;
  if (typeof addr !== 'number' || typeof len !== 'number') return operation;
  const start = move(addr);
  return { ...operation, addr: start, len: move(addr + len) - start };
}
