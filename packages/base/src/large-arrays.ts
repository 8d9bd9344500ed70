/** Bytes from which on an array is large: it has a huge page of the machine's in it then, wherever it begins. */
const LARGE = 4 << 20;

/** Told of the memory of a large array when it is made and nothing was written to it. */
export type LargeArrayListener = (memory: ArrayBufferLike) => void;

let listener: LargeArrayListener | null = null;

/**
 * Has `onLargeArray` told of each array of 4 MiB or more that holds a part of the model: what can be done for such
 * memory is for whoever owns the process. It holds for this thread; null: nobody is told, as at first.
 */
export function observeLargeArrays(onLargeArray: LargeArrayListener | null): void {
  listener = onLargeArray;
}

/** `array`, which was just made, after who observes large arrays was told if it is one. */
export function reported<A extends ArrayBufferView>(array: A): A {
  if (listener !== null && array.byteLength >= LARGE) listener(array.buffer);
  return array;
}

/** `larger`, which was just made and takes the place of `old`, with what `old` has at its beginning. */
export function copiedInto<A extends ArrayBufferView & { set(source: A): void }>(larger: A, old: A): A {
  reported(larger).set(old);
  return larger;
}
