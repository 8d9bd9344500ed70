import { TraceInputError } from '../source/input-error.js';

/** A JSON object of which nothing is known yet. */
type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Typed look at a JSON object. A member that is missing or null is null; one of another type is an error that names it.
 */
export class JsonView {
  readonly file: string;
  private readonly object: JsonObject;
  private readonly path: string;

  constructor(file: string, object: JsonObject, path: string) {
    this.file = file;
    this.object = object;
    this.path = path;
  }

  /** The object that `text` holds, or {@link TraceInputError}. */
  static parse(file: string, text: string): JsonView {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new TraceInputError(file, `is not valid JSON: ${(error as Error).message}`);
    }
    if (!isObject(value)) throw new TraceInputError(file, 'expected a JSON object');
    return new JsonView(file, value, '');
  }

  text(name: string): string | null {
    return this.member(name, 'a string', (value) => (typeof value === 'string' ? value : null));
  }

  number(name: string): number | null {
    return this.member(name, 'a number', (value) => (typeof value === 'number' ? value : null));
  }

  flag(name: string): boolean {
    return this.member(name, 'true or false', (value) => (typeof value === 'boolean' ? value : null)) ?? false;
  }

  /** Two numbers. */
  pair(name: string): readonly [number, number] | null {
    return this.member(name, 'two numbers', (value) => {
      if (!Array.isArray(value)) return null;
      const [first, second] = value as unknown[];
      return typeof first === 'number' && typeof second === 'number' ? ([first, second] as const) : null;
    });
  }

  texts(name: string): readonly string[] {
    return (
      this.member(name, 'a list of strings', (value) =>
        Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null,
      ) ?? []
    );
  }

  /** Numbers by name. */
  counts(name: string): Readonly<Record<string, number>> {
    return (
      this.member(name, 'an object of numbers', (value) =>
        isObject(value) && Object.values(value).every((item) => typeof item === 'number')
          ? (value as Readonly<Record<string, number>>)
          : null,
      ) ?? {}
    );
  }

  /** An object; an empty one when it is missing. */
  section(name: string): JsonView {
    const value = this.member(name, 'an object', (item) => (isObject(item) ? item : null));
    return new JsonView(this.file, value ?? {}, `${this.path}${name}.`);
  }

  /** A list of objects; an empty one when it is missing. */
  objects(name: string): JsonView[] {
    const list = this.member(name, 'a list of objects', (value) =>
      Array.isArray(value) && value.every(isObject) ? value : null,
    );
    return (list ?? []).map((item, index) => new JsonView(this.file, item, `${this.path}${name}[${index}].`));
  }

  private member<Value>(name: string, expected: string, read: (value: unknown) => Value | null): Value | null {
    const value = Object.hasOwn(this.object, name) ? this.object[name] : null;
    if (value === null || value === undefined) return null;
    const result = read(value);
    if (result === null) throw new TraceInputError(this.file, `expected ${expected} for "${this.path}${name}"`);
    return result;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
