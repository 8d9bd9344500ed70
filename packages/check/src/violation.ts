/** An invariant of spec 09 that does not hold. */
export interface Violation {
  /** Its number in spec 09: `S4.7`. */
  readonly invariant: string;
  /** What must hold and does not, for a person. */
  readonly what: string;
  /** The objects and numbers concerned: process, page, folio head, anon_vma id, what was counted and what is stored. */
  readonly objects: Readonly<Record<string, number | string>>;
  /** The operation after which it was seen; `null` when nobody said. */
  readonly operation: string | null;
}

/** Violations of the same invariant beyond this many are counted only: one broken counter breaks it in many places. */
const MOST_OF_A_KIND = 3;

/** Collects what the checks find. */
export class ViolationList {
  readonly found: Violation[] = [];
  readonly #operation: string | null;
  readonly #counts = new Map<string, number>();

  constructor(operation: string | null) {
    this.#operation = operation;
  }

  add(invariant: string, what: string, objects: Readonly<Record<string, number | string>>): void {
    const count = (this.#counts.get(invariant) ?? 0) + 1;
    this.#counts.set(invariant, count);
    if (count <= MOST_OF_A_KIND) this.found.push({ invariant, what, objects, operation: this.#operation });
  }
}

/** One line for a person. */
export function describeViolation(violation: Violation): string {
  const objects = Object.entries(violation.objects).map(([name, value]) => `${name} ${value}`);
  const after = violation.operation === null ? '' : ` after ${violation.operation}`;
  return `${violation.invariant}${after}: ${violation.what} (${objects.join(', ')})`;
}
