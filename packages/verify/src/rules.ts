import type { OperationName } from '@vmakit/trace';

/** The part of the specification that says what a call gives. */
const CALL_RULES: Readonly<Partial<Record<OperationName, string>>> = {
  mmap: 'spec 01.3',
  munmap: 'spec 01.4',
  mprotect: 'spec 01.5',
  madvise: 'spec 01.6',
  mlock: 'spec 01.7',
  munlock: 'spec 01.7',
  mseal: 'spec 01.7',
  fork: 'spec 01.10, 03.2',
  exit: 'spec 03.7',
  mremap: 'spec 05',
  touch: 'spec 03.8',
  pin: 'spec 03.4',
};

/** The part of the specification that governs a column, by the longest beginning of its name. */
const FIELD_RULES: readonly (readonly [prefix: string, rule: string])[] = [
  ['vmas.anonVma', 'spec 02.6, 03.2'],
  ['vmas.chain', 'spec 03.2'],
  ['vmas.pgoff', 'spec 01.1, 02.7'],
  ['vmas.anonPgoff', 'spec 01.1'],
  ['vmas.flags', 'spec 01.2, 02.3'],
  ['vmas', 'spec 02'],
  ['pages.pgoff', 'spec 03.4, 06.4'],
  ['pages.anonVma', 'spec 03.4, 06.4'],
  ['pages.mapcount', 'spec 03.4'],
  ['pages.folioMapcount', 'spec 03.4'],
  ['pages.flags', 'spec 03.4'],
  ['pages.order', 'spec 03.8, 07'],
  ['pages', 'spec 03.8, 04'],
  ['anonVmas', 'spec 03.2'],
  ['mm', 'spec 01.2, 01.9'],
  ['trace', 'spec 06.4, 07.2'],
  ['words', 'spec 04.2-4'],
];

/** Which part of the specification to read about a difference in `field` after `operation`. */
export function ruleFor(field: string, operation: OperationName): string {
  const byField = FIELD_RULES.find(([prefix]) => field.startsWith(prefix))?.[1];
  const byCall = CALL_RULES[operation];
  if (byField === undefined) return byCall ?? 'golden/FORMAT.md';
  return byCall === undefined || byField === byCall ? byField : `${byCall}, ${byField}`;
}
