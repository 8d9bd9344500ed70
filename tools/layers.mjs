// The layers, lowest first. A package may import only from packages before it in this list; policies of one
// rank do not import each other, except as `extraEdges` says. dependency-cruiser enforces it.

/** Packages in layer order; `policy-*` stands for every policy plugin that is not named itself. */
export const order = [
  'base',
  'events',
  'locking',
  'pagetable',
  'folio',
  'rmap',
  'vma-merge',
  'mm',
  'mremap',
  'policy-relocate-anon',
  'policy-*',
  'kernel',
  'trace',
  'check',
  'verify',
  'policy-testkit',
  'replay',
  'oracle',
  'report',
  'cli',
];

/** The rank of a package folder in the layers; a lower rank may be imported by a higher one. */
export function rankOf(name) {
  const exact = order.indexOf(name);
  if (exact >= 0) return exact;
  if (name.startsWith('policy-')) return order.indexOf('policy-*');
  throw new RangeError(`package ${name} is in no layer: add it to tools/layers.mjs`);
}

/** A policy stands on the policy interface alone; of the other policies only large folios extend relocation. */
const policyEdges = new Map([['policy-large-folio', ['policy-relocate-anon']]]);

/** Whether sources of package `from` may import package `to`. */
export function mayImport(from, to) {
  if (from === to) return true;
  const isPolicy = (name) => name.startsWith('policy-') && name !== 'policy-testkit';
  if (isPolicy(from) && isPolicy(to)) return policyEdges.get(from)?.includes(to) ?? false;
  return rankOf(to) < rankOf(from);
}
