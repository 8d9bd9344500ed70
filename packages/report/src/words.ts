import type { UnmergedGroup } from '@vmakit/replay';

/** Why two neighbours are two, for a person. */
export interface RuleWords {
  /** The sentence. */
  readonly why: string;
  /** What the two values of a pair are; null: the rule compares none. */
  readonly values: string | null;
}

const WORDS: Readonly<Record<UnmergedGroup['rule'], RuleWords>> = {
  mergeable: { why: 'nothing keeps them apart', values: null },
  'none-tried': { why: 'nothing keeps them apart any more, but no call has tried to merge them since', values: null },
  'no-neighbour': { why: 'there is no neighbour', values: null },
  special: { why: 'special mappings (devices, vdso, vvar) never merge', values: 'flags' },
  'not-adjacent': { why: 'they do not touch', values: 'pages' },
  policy: { why: 'their NUMA memory policies differ', values: 'policy' },
  flags: { why: 'their protection or other flags differ', values: 'flags' },
  file: { why: 'they map different files, or only one maps a file', values: 'file' },
  userfaultfd: { why: 'they are registered with different userfaultfds', values: 'registration' },
  name: { why: 'they have different names (PR_SET_VMA_ANON_NAME)', values: 'name' },
  'fork-child': {
    why: 'one stems from a fork, and untouched memory may not join what a parent may share',
    values: 'anon_vma',
  },
  'anon-vma': { why: 'their pages belong to different anon_vmas', values: 'anon_vma' },
  'page-offset': {
    why: 'the page offset does not go on: memory moved after it was touched, or another part of a file',
    values: 'page offset',
  },
  'anon-page-offset': {
    why: 'the offset of the private pages does not go on: the file mapping was moved after it was touched',
    values: 'page offset',
  },
  'neighbours-anon-vma': {
    why: 'merging both sides would join two different anon_vmas',
    values: 'anon_vma',
  },
  'close-hook': {
    why: 'a mapping that is told of its end (SysV memory, a device) is not removed by a merge',
    values: null,
  },
  'not-at-edge': { why: 'only a part of the mapping was changed', values: null },
};

/** The words for a rule. */
export function ruleWords(rule: UnmergedGroup['rule']): RuleWords {
  return WORDS[rule];
}

/** A value that a rule compared, for a person. */
export function valueWords(rule: UnmergedGroup['rule'], value: number | string | null): string {
  if (value === null) return rule === 'anon-vma' || rule === 'fork-child' ? 'untouched' : 'none';
  if (typeof value === 'string') return value;
  return rule === 'page-offset' || rule === 'anon-page-offset' ? `0x${value.toString(16)}` : String(value);
}

/** What a recording was taken to mean, for a person. */
export function assumptionWords(assumption: 'touched' | 'untouched' | 'recorded'): string {
  switch (assumption) {
    case 'recorded':
      return 'page faults are recorded: nothing is assumed about them';
    case 'touched':
      return (
        'no page faults are recorded: writable anonymous memory is assumed to be touched at once ' +
        '(--assume touched)'
      );
    case 'untouched':
      return 'no page faults are recorded: memory is assumed to stay untouched (--assume untouched)';
  }
}
