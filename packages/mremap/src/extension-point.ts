/**
 * A place where one policy lets others take part. It is a value: the policy that owns it exports it, others contribute
 * to it in their definition, and the owner finds the contributions when it is set up.
 *
 * @example
 * export const LARGE_FOLIO = defineExtensionPoint<LargeFolioRules>('relocate-anon/large-folio', 1);
 * const mine = definePolicy({ name: 'mine', contributions: [LARGE_FOLIO.of(rules)] });
 * // in the owner's setup:
 * const [rules] = context.extensions(LARGE_FOLIO);
 */
export interface ExtensionPoint<T> {
  readonly name: string;
  /** Most contributions that a kernel may have; more are an error naming their policies. */
  readonly limit: number;
  of(value: T): Contribution<T>;
}

/** One contribution to an extension point. */
export interface Contribution<T> {
  readonly point: ExtensionPoint<T>;
  readonly value: T;
}

/** Makes an extension point. `name`: `OWNER/POINT`; two points are the same when their names are. */
export function defineExtensionPoint<T>(name: string, limit: number = Number.POSITIVE_INFINITY): ExtensionPoint<T> {
  const point: ExtensionPoint<T> = { name, limit, of: (value) => ({ point, value }) };
  return point;
}
