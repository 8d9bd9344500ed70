import {
  VM_HUGETLB,
  VM_MAYBE_GUARD,
  VM_SOFTDIRTY,
  VM_SPECIAL,
  VM_UFFD_MASK,
  hasAny,
  smapsFlagNames,
  withoutFlags,
} from '@vmakit/base';
import type { Snapshot, SnapshotVma } from './read-snapshot.js';

/** Why two neighbours are two. */
export interface Separation {
  /** The rule of spec 02 that keeps them apart. */
  readonly rule:
    'special' | 'policy' | 'flags' | 'name' | 'userfaultfd' | 'close-hook' | 'anon-vma' | 'page-offset' | 'not-tried';
  /** `known`: the kernel shows it. `inferred`: it is what is left. */
  readonly certainty: 'known' | 'inferred';
  readonly explanation: string;
}

/** Two mappings that touch and that the listing shows no difference of, though they are two. */
export interface UnmergedPair {
  readonly left: SnapshotVma;
  readonly right: SnapshotVma;
  readonly separation: Separation;
}

/** Flags that merging does not look at. */
const IGNORED = VM_SOFTDIRTY | VM_MAYBE_GUARD;

/** Neighbours that look like one mapping in `/proc/PID/maps`: same access, same file at consecutive offsets. */
export function findUnmergedPairs(snapshot: Snapshot): UnmergedPair[] {
  const pairs: UnmergedPair[] = [];
  for (let i = 1; i < snapshot.vmas.length; i++) {
    const left = snapshot.vmas[i - 1];
    const right = snapshot.vmas[i];
    if (left === undefined || right === undefined || !looksLikeOne(left, right)) continue;
    pairs.push({ left, right, separation: separate(left, right) });
  }
  return pairs;
}

function looksLikeOne(left: SnapshotVma, right: SnapshotVma): boolean {
  const a = left.entry;
  const b = right.entry;
  if (left.end !== right.start || a.prot !== b.prot || a.shared !== b.shared) return false;
  if (a.inode !== b.inode || a.device !== b.device) return false;
  if (a.inode === 0) return isPlain(left) && isPlain(right);
  return left.pageOffset !== null && left.pageOffset + (left.end - left.start) === right.pageOffset;
}

/** Anonymous memory of the program's own making: not the kernel's pages, such as [vdso]. */
function isPlain(vma: SnapshotVma): boolean {
  const { name } = vma.entry;
  return name === '' || name === '[heap]' || name === '[stack]' || name.startsWith('[anon');
}

function separate(left: SnapshotVma, right: SnapshotVma): Separation {
  return separateByAttributes(left, right) ?? separateByPages(left, right);
}

function separateByAttributes(left: SnapshotVma, right: SnapshotVma): Separation | null {
  if ((right.flags & VM_SPECIAL) !== 0)
    return known('special', 'mappings with these flags never merge: ' + names(right));
  if (left.policy !== right.policy) {
    return known('policy', `memory policy ${left.policy ?? 'unknown'} and ${right.policy ?? 'unknown'}`);
  }
  const a = withoutFlags(left.flags, IGNORED);
  const b = withoutFlags(right.flags, IGNORED);
  if (a !== b) return known('flags', `only left: ${onlyIn(a, b)}; only right: ${onlyIn(b, a)}`);
  const nameOf = (vma: SnapshotVma): string => (vma.entry.name.startsWith('[anon') ? vma.entry.name : '');
  if (nameOf(left) !== nameOf(right)) return known('name', `"${nameOf(left)}" and "${nameOf(right)}"`);
  if (hasAny(left.flags, VM_UFFD_MASK)) {
    return inferred('userfaultfd', 'both are watched by a userfaultfd; it may not be the same one');
  }
  if ((left.flags & VM_HUGETLB) !== 0 || right.entry.name.startsWith('/SYSV')) {
    return inferred('close-hook', 'mappings of this kind are told when they end, so that a merge may not remove one');
  }
  return null;
}

/** What is left when every attribute agrees: the anon_vma, the offset, or that nobody tried. */
function separateByPages(left: SnapshotVma, right: SnapshotVma): Separation {
  const shared = left.entry.shared;
  if (shared) return inferred('not-tried', 'nothing keeps them apart; they became alike after they were made');
  if (left.faulted === true && right.faulted === true) {
    return inferred('anon-vma', 'both hold anonymous pages: each has an anon_vma of its own, or one of them was moved');
  }
  if (left.faulted !== true && right.faulted !== true) {
    const why = 'neither holds anonymous pages now; if neither ever did, they became alike without a merge being tried';
    return inferred('not-tried', why);
  }
  const which = left.faulted === true ? 'left' : 'right';
  const why = `only the ${which} one holds anonymous pages: it was moved from where it was first touched, or forked`;
  return inferred('page-offset', why);
}

function known(rule: Separation['rule'], explanation: string): Separation {
  return { rule, certainty: 'known', explanation };
}

function inferred(rule: Separation['rule'], explanation: string): Separation {
  return { rule, certainty: 'inferred', explanation };
}

function names(vma: SnapshotVma): string {
  return smapsFlagNames(vma.flags).join(' ');
}

function onlyIn(a: number, b: number): string {
  return smapsFlagNames(withoutFlags(a, b)).join(' ') || 'nothing';
}
