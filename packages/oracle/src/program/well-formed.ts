import type { Operation } from '@vmakit/trace';

/**
 * The operations whose process lives and whose file exists when their turn comes, and whose ranges are not empty; the
 * others are left out.
 */
export function keepWellFormed(operations: readonly Operation[]): Operation[] {
  const living = new Set([0]);
  const used = new Set([0]);
  const files = new Set<number>();
  return operations.filter((operation) => {
    if (!living.has(operation.p) || isEmptyRange(operation)) return false;
    switch (operation.op) {
      case 'fork':
        if (used.has(operation.child)) return false;
        living.add(operation.child);
        used.add(operation.child);
        return true;
      case 'exit':
        living.delete(operation.p);
        return true;
      case 'memfd':
        files.add(operation.fd);
        return true;
      case 'mmap':
        return operation.fd === null || files.has(operation.fd);
      default:
        return true;
    }
  });
}

/** A generated program never has one, and a shrunk one that does shows something else than what it was shrunk for. */
function isEmptyRange(operation: Operation): boolean {
  const lengths =
    operation.op === 'mremap' ? [operation.oldLen, operation.newLen] : 'len' in operation ? [operation.len] : [];
  return lengths.some((length) => typeof length === 'number' && length < 1);
}
