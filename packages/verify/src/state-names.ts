/**
 * Names objects of a model by the rule of golden/FORMAT.md ("Ids"): numbers from 1 on in the order in which the objects
 * are met, for anon_vmas, folios and files separately. One for each scenario: the same object keeps its name.
 */
export class StateNames {
  readonly #anonVmas = new Map<number, number>();
  readonly #folios = new Map<number, number>();
  readonly #files = new Map<number, number>();
  /** The model's ids of the anon_vmas that were named since the last {@link beginState}. */
  readonly metAnonVmas: Set<number> = new Set();

  /** A new state is written down from here on. */
  beginState(): void {
    this.metAnonVmas.clear();
  }

  /** @param id the model's id of the anon_vma, which is never used twice */
  anonVma(id: number): number {
    this.metAnonVmas.add(id);
    return nameOf(this.#anonVmas, id);
  }

  /** @param head frame of its first page; (frame, generation) names a folio for ever */
  folio(head: number, generation: number): number {
    return nameOf(this.#folios, generation * FRAMES + head);
  }

  file(id: number): number {
    return nameOf(this.#files, id);
  }
}

const FRAMES = 2 ** 32;

function nameOf(names: Map<number, number>, key: number): number {
  let name = names.get(key);
  if (name === undefined) {
    name = names.size + 1;
    names.set(key, name);
  }
  return name;
}
