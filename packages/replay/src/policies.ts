import type { MremapPolicy } from '@vmakit/mremap';
import { autoRelocate } from '@vmakit/policy-auto-relocate';
import { largeFolio } from '@vmakit/policy-large-folio';
import { MREMAP_RELOCATE_ANON, VARIANTS, type Variant, relocateAnon } from '@vmakit/policy-relocate-anon';

/** Policies chosen by name, and the flag that programs of today do not give. */
export interface NamedPolicies {
  /** As the user wrote it. */
  readonly name: string;
  readonly policies: readonly MremapPolicy[];
  /** The flag of mremap that asks for the policy; 0: it needs none. */
  readonly flag: number;
}

const VARIANT_NAMES = Object.keys(VARIANTS) as Variant[];

/** Every name that {@link policiesByName} knows. */
export const POLICY_NAMES: readonly string[] = [
  'none',
  'relocate-anon',
  ...VARIANT_NAMES.map((variant) => `relocate-anon:${variant}`),
  'auto-relocate',
];

/**
 * The policies of a name, or of several joined by +: `none` (the stock kernel), `relocate-anon` (the series with
 * large folios; `relocate-anon:v1` and so on for its variants), `auto-relocate`.
 *
 * @throws {RangeError} naming what is unknown
 */
export function policiesByName(names: string): NamedPolicies {
  const policies: MremapPolicy[] = [];
  let flag = 0;
  for (const name of names.split('+')) {
    if (!POLICY_NAMES.includes(name)) {
      throw new RangeError(`there is no policy ${JSON.stringify(name)}; there are ${POLICY_NAMES.join(', ')}`);
    }
    const [base, variant = 'corrected'] = name.split(':');
    if (base === 'relocate-anon') {
      policies.push(relocateAnon({ variant: variant as Variant }), largeFolio());
      flag = MREMAP_RELOCATE_ANON;
    } else if (base === 'auto-relocate') {
      policies.push(autoRelocate());
    }
  }
  return { name: names, policies, flag };
}
