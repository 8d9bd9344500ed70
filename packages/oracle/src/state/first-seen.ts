/** Gives small numbers, from 1 on, to keys in the order in which they are first seen. */
export class FirstSeen {
  readonly #names: Map<number, number> = new Map();

  /** The name of `key`; 0 is always 0. */
  nameOf(key: number): number {
    if (key === 0) return 0;
    let name = this.#names.get(key);
    if (name === undefined) {
      name = this.#names.size + 1;
      this.#names.set(key, name);
    }
    return name;
  }
}
