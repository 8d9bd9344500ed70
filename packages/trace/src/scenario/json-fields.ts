import { type Amount, parseAmount } from './amount.js';
import { type SourcePlace, formatError } from './format-error.js';

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** How a value is shown in a complaint: JSON, shortened. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads the fields of one JSON object; whatever is missing or of a wrong type is refused with field and line. */
export class JsonFields {
  readonly #object: JsonObject;
  readonly #what: string;
  readonly #place: SourcePlace;

  /** `what`: the kind of object, for the complaint ("mmap", "header"). */
  constructor(object: JsonObject, what: string, place: SourcePlace) {
    this.#object = object;
    this.#what = what;
    this.#place = place;
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined;
  }

  raw(key: string): unknown {
    return this.#object[key];
  }

  /** Refuses the line: `expected` says what the field should have been. */
  refuse(key: string, expected: string): never {
    const value = this.#object[key];
    const found = value === undefined ? 'is missing' : `is ${shown(value)}`;
    throw formatError(this.#place, `${this.#what}: "${key}" ${found}, expected ${expected}`);
  }

  /** Refuses the object when it has a key that is not in `known`. */
  allowOnly(known: ReadonlySet<string>): void {
    for (const key of Object.keys(this.#object)) {
      if (known.has(key)) continue;
      const names = [...known].join(', ');
      throw formatError(this.#place, `${this.#what}: unknown field "${key}", expected only ${names}`);
    }
  }

  /** An integer of at least `least`. */
  integer(key: string, least = 0, fallback?: number): number {
    const value = this.#object[key];
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
    return this.refuse(key, `an integer of at least ${least}`);
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#object[key];
    if (value === undefined) return fallback;
    return typeof value === 'boolean' ? value : this.refuse(key, 'true or false');
  }

  string(key: string, fallback?: string): string {
    const value = this.#object[key];
    if (value === undefined && fallback !== undefined) return fallback;
    return typeof value === 'string' ? value : this.refuse(key, 'a string');
  }

  oneOf<T extends string>(key: string, names: readonly T[], fallback?: T): T {
    const value = this.#object[key];
    if (value === undefined && fallback !== undefined) return fallback;
    const found = names.find((name) => name === value);
    return found ?? this.refuse(key, `one of ${names.join(', ')}`);
  }

  listOf<T extends string>(key: string, names: readonly T[], fallback?: readonly T[]): readonly T[] {
    const value = this.#object[key];
    if (value === undefined && fallback !== undefined) return fallback;
    if (!Array.isArray(value)) return this.refuse(key, `a list of names out of ${names.join(', ')}`);
    for (const item of value) {
      if (!names.includes(item as T)) this.refuse(key, `a list of names out of ${names.join(', ')}`);
    }
    return value as T[];
  }

  address(key: string): Amount {
    const amount = parseAmount(this.#object[key]);
    return amount ?? this.refuse(key, 'an address: a page number, "+N" bytes into the window, or a raw "0x..." value');
  }

  optionalAddress(key: string): Amount | null {
    return this.#object[key] === undefined ? null : this.address(key);
  }

  /** A length or file offset. */
  length(key: string): Amount {
    const amount = parseAmount(this.#object[key]);
    if (amount !== undefined && !(typeof amount === 'number' && amount < 0)) return amount;
    return this.refuse(key, 'a length: a count of pages, "+N" bytes, or a raw "0x..." value');
  }

  object(key: string): JsonObject {
    const value = this.#object[key];
    return isJsonObject(value) ? value : this.refuse(key, 'an object');
  }

  list(key: string): readonly unknown[] {
    const value = this.#object[key];
    return Array.isArray(value) ? value : this.refuse(key, 'a list');
  }
}
