/**
 * A renaming of ids, built up as states are compared: the first time two ids stand in the same place they are taken for
 * names of the same object, from then on neither may stand for anything else. Ids are small positive integers.
 */
export class IdRenaming {
  readonly #toActual: number[] = [];
  readonly #toExpected: number[] = [];

  /** Whether `expected` and `actual` can name the same object; if neither had a partner they are partners now. */
  matches(expected: number, actual: number): boolean {
    const partner = this.#toActual[expected];
    if (partner !== undefined) return partner === actual;
    if (this.#toExpected[actual] !== undefined) return false;
    this.#toActual[expected] = actual;
    this.#toExpected[actual] = expected;
    return true;
  }

  /** The partner of an expected id, or `undefined` when it has none yet. */
  actualOf(expected: number): number | undefined {
    return this.#toActual[expected];
  }

  /** The partner of an actual id, or `undefined` when it has none yet. */
  expectedOf(actual: number): number | undefined {
    return this.#toExpected[actual];
  }
}

/** The renamings of one scenario; anon_vmas, folios and files are numbered separately. */
export class StateRenaming {
  readonly anonVmas: IdRenaming = new IdRenaming();
  readonly folios: IdRenaming = new IdRenaming();
  readonly files: IdRenaming = new IdRenaming();
}
