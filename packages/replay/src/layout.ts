import { VM_MAYSHARE, protectionText } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { type Vma, isAnonymous } from '@vmakit/vma-merge';

/** A line of `/proc/PID/maps`, addresses and offset in bytes. */
export interface LayoutLine {
  readonly start: number;
  readonly end: number;
  /** `rwxp`. */
  readonly permissions: string;
  readonly offset: number;
  /** 0: none, or not known. */
  readonly inode: number;
  /** As printed, ` (deleted)` included; empty for plain anonymous memory. */
  readonly name: string;
}

/** What `/proc/PID/maps` would print of the model's address space. `stackAddress`: a byte address in its stack. */
export function layoutOf(mm: Mm, stackAddress: number): LayoutLine[] {
  const bytes = mm.env.arch.pageSize;
  const lines: LayoutLine[] = [];
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
    const { file } = vma;
    const fromFile = file !== null && file.kind !== 'special';
    lines.push({
      start: vma.start * bytes,
      end: vma.end * bytes,
      permissions: protectionText(vma.flags),
      offset: fromFile ? vma.pageOffset * bytes : 0,
      inode: fromFile ? file.inode : 0,
      name: nameOf(vma, mm, stackAddress),
    });
  }
  return lines;
}

function nameOf(vma: Vma, mm: Mm, stackAddress: number): string {
  const { file } = vma;
  if (file !== null) return asPrinted(file.deleted ? `${file.name} (deleted)` : file.name);
  if (vma.name !== null) {
    return (vma.flags & VM_MAYSHARE) !== 0 ? `[anon_shmem:${vma.name}]` : `[anon:${vma.name}]`;
  }
  if (!isAnonymous(vma)) return '';
  const name = stackOrHeap(vma, mm, stackAddress);
  return name === null ? '' : `[${name}]`;
}

/** maps keeps a path on one line. */
function asPrinted(path: string): string {
  return path.includes('\n') ? path.replaceAll('\n', '\\012') : path;
}

/** Whether an anonymous VMA is what maps calls heap, or stack. `stackAddress`: a byte address in the stack. */
export function stackOrHeap(vma: Vma, mm: Mm, stackAddress: number): 'heap' | 'stack' | null {
  const bytes = mm.env.arch.pageSize;
  const start = vma.start * bytes;
  const end = vma.end * bytes;
  if (mm.brk > mm.brkStart && start <= mm.brk && end >= mm.brkStart) return 'heap';
  return stackAddress >= start && stackAddress < end ? 'stack' : null;
}

/** How two layouts differ at one place. */
export interface LayoutDifference {
  readonly expected: LayoutLine | null;
  readonly actual: LayoutLine | null;
  /** Fields of the two lines that differ; empty when one is missing. */
  readonly fields: readonly (keyof LayoutLine)[];
  /** The name of what the recording cannot tell, when that explains it (traces/README.md). */
  readonly unknowable: string | null;
}

/** What a recording cannot tell, by the kind of recording. */
export interface UnknowableRules {
  /** There are no faults: growth of stacks is not seen, nor which memory was touched and so which merges could be. */
  readonly noFaults: boolean;
  /** A file may have been unlinked after it was mapped. */
  readonly unlinkedLater: boolean;
  /** The name of memory that the recording does not show; null: it shows all. */
  readonly blindSpot: string | null;
  /** The recording does not show what is done to memory either: nothing can be compared. */
  readonly blindToCalls: boolean;
  /** Whether the model's VMA at a byte address grows down when memory below it is touched. */
  readonly growsDown: (address: number) => boolean;
  /** Whether a byte range was only presumed to be mapped. */
  readonly isPresumed: (start: number, end: number) => boolean;
}

/** Compares a recorded layout with the model's, line by line in address order. */
export function compareLayouts(
  expected: readonly LayoutLine[],
  actual: readonly LayoutLine[],
  rules: UnknowableRules,
): LayoutDifference[] {
  const differences = pairUp(expected, actual, rules);
  if (!rules.noFaults || differences.every(({ unknowable }) => unknowable !== null)) return differences;
  if (!isSameMemory(expected, actual, rules)) return differences;
  return differences.map((one) => ({ ...one, unknowable: one.unknowable ?? 'merges that depend on page faults' }));
}

/** Whether two layouts are the same but for which alike neighbours merged. */
export function isSameMemory(
  expected: readonly LayoutLine[],
  actual: readonly LayoutLine[],
  rules: UnknowableRules,
): boolean {
  return pairUp(coalesce(expected), coalesce(actual), rules).every(({ unknowable }) => unknowable !== null);
}

/** Neighbours that maps shows alike made one: what is left does not depend on which of them merged. */
function coalesce(lines: readonly LayoutLine[]): LayoutLine[] {
  const result: LayoutLine[] = [];
  for (const line of lines) {
    const last = result.at(-1);
    const anonymous = line.inode === 0 && (line.name === '' || line.name === '[heap]');
    if (last !== undefined && anonymous && last.end === line.start && last.inode === 0 && isAlike(last, line)) {
      result[result.length - 1] = { ...last, end: line.end };
    } else {
      result.push(line);
    }
  }
  return result;
}

function isAlike(one: LayoutLine, other: LayoutLine): boolean {
  return one.permissions === other.permissions && one.name === other.name;
}

function pairUp(
  expected: readonly LayoutLine[],
  actual: readonly LayoutLine[],
  rules: UnknowableRules,
): LayoutDifference[] {
  const differences: LayoutDifference[] = [];
  let e = 0;
  let a = 0;
  // Up to here a line has had its counterpart: what is left of it beyond is no line of its own.
  let paired = 0;
  while (e < expected.length || a < actual.length) {
    const want = expected[e] ?? null;
    const have = actual[a] ?? null;
    if (want !== null && have !== null && overlaps(want, have)) {
      paired = Math.min(want.end, have.end);
      const fields = differingFields(want, have);
      if (fields.length > 0) {
        differences.push({ expected: want, actual: have, fields, unknowable: explain(want, have, fields, rules) });
      }
      e += want.end <= have.end ? 1 : 0;
      a += have.end <= want.end ? 1 : 0;
    } else if (have === null || (want !== null && want.start < have.start)) {
      if (want !== null && want.start >= paired) {
        differences.push({ expected: want, actual: null, fields: [], unknowable: rules.blindSpot });
      }
      e++;
    } else {
      if (have.start >= paired) {
        const presumed = rules.blindToCalls || rules.isPresumed(have.start, have.end);
        differences.push({ expected: null, actual: have, fields: [], unknowable: presumed ? rules.blindSpot : null });
      }
      a++;
    }
  }
  return differences;
}

function overlaps(one: LayoutLine, other: LayoutLine): boolean {
  return one.start < other.end && other.start < one.end;
}

function differingFields(want: LayoutLine, have: LayoutLine): (keyof LayoutLine)[] {
  const fields: (keyof LayoutLine)[] = [];
  if (want.start !== have.start) fields.push('start');
  if (want.end !== have.end) fields.push('end');
  if (want.permissions !== have.permissions) fields.push('permissions');
  if (want.offset !== have.offset) fields.push('offset');
  if (want.inode !== 0 && have.inode !== 0 && want.inode !== have.inode) fields.push('inode');
  if (want.name !== have.name) fields.push('name');
  return fields;
}

function explain(
  want: LayoutLine,
  have: LayoutLine,
  fields: readonly (keyof LayoutLine)[],
  rules: UnknowableRules,
): string | null {
  if (rules.blindSpot !== null) {
    // Memory that is not shown may have merged with its neighbours.
    const mayHaveMerged = have.inode === 0 && fields.every((field) => field === 'start' || field === 'end');
    if (rules.blindToCalls || mayHaveMerged || rules.isPresumed(have.start, have.end)) return rules.blindSpot;
  }
  const only = fields.length === 1 ? fields[0] : null;
  if (rules.noFaults && only === 'start' && want.start < have.start && rules.growsDown(have.start)) {
    return want.name === '[stack]' || have.name === '[stack]' ? 'stack growth' : 'MAP_GROWSDOWN growth';
  }
  if (rules.unlinkedLater && only === 'name' && want.name === `${have.name} (deleted)`) return 'file unlinked later';
  if (rules.unlinkedLater && only === 'name' && want.name.startsWith('/') && have.name.startsWith('/')) {
    return 'file renamed later';
  }
  if (rules.unlinkedLater && only === 'end' && want.name.startsWith('/SYSV')) return 'size of a SysV segment';
  return null;
}
