import fc from 'fast-check';
import type { AdviceName, MapFlagName, MremapFlagName, Operation, ScenarioState } from '@vmakit/trace';

/**
 * Numbers drawn for one operation. What they mean is decided when its turn comes, from the mappings there are then:
 * so that most operations hit something.
 */
export interface Draw {
  readonly kind: Kind;
  /** Which process, which mapping, where in it, how much of it. */
  readonly process: number;
  readonly mapping: number;
  readonly offset: number;
  readonly length: number;
  /** Where to, and how. */
  readonly target: number;
  readonly choice: number;
}

type Kind =
  | 'mmap'
  | 'touch'
  | 'mremap'
  | 'madvise'
  | 'mprotect'
  | 'fork'
  | 'munmap'
  | 'mlock'
  | 'munlock'
  | 'pin'
  | 'unpin'
  | 'exit'
  | 'clearrefs'
  | 'ksmscan'
  | 'failmove'
  | 'failreloc';

/** The operations, as often as they are wanted. */
const KINDS: readonly Kind[] = [
  ...Array<'mmap'>(3).fill('mmap'),
  ...Array<'touch'>(7).fill('touch'),
  ...Array<'mremap'>(8).fill('mremap'),
  ...Array<'madvise'>(4).fill('madvise'),
  ...Array<'mprotect'>(3).fill('mprotect'),
  ...Array<'fork'>(2).fill('fork'),
  'munmap',
  'mlock',
  'munlock',
  'pin',
  'unpin',
  'exit',
  'clearrefs',
  'ksmscan',
  'failmove',
  'failreloc',
];

/** Lists of draws, long enough for something to come of them. */
export const draws: fc.Arbitrary<Draw[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    process: fc.nat(7),
    mapping: fc.nat(15),
    offset: fc.nat(2 ** 20),
    length: fc.nat(2 ** 20),
    target: fc.nat(2 ** 20),
    choice: fc.nat(2 ** 20),
  }),
  { minLength: 4, maxLength: 48, size: 'max' },
);

const ADVICE: readonly AdviceName[] = [
  'DONTNEED',
  'FREE',
  'PAGEOUT',
  'PAGEOUT',
  'COLD',
  'RANDOM',
  'NORMAL',
  'DONTFORK',
  'DOFORK',
  'WIPEONFORK',
  'KEEPONFORK',
  'MERGEABLE',
  'MERGEABLE',
  'UNMERGEABLE',
  'HUGEPAGE',
  'NOHUGEPAGE',
  'GUARD_INSTALL',
  'GUARD_REMOVE',
  'POPULATE_READ',
  'POPULATE_WRITE',
  'COLLAPSE',
  'DONTDUMP',
];
const MOVES: readonly (readonly MremapFlagName[])[] = [
  ['MAYMOVE'],
  ['MAYMOVE', 'FIXED'],
  ['MAYMOVE', 'FIXED'],
  ['MAYMOVE', 'FIXED'],
  ['MAYMOVE', 'DONTUNMAP'],
  ['MAYMOVE', 'FIXED', 'DONTUNMAP'],
];
const RELOCATION: readonly (readonly MremapFlagName[])[] = [
  [],
  ['RELOCATE_ANON'],
  ['RELOCATE_ANON'],
  ['MUST_RELOCATE_ANON'],
];
const MAPS: readonly (readonly MapFlagName[])[] = [
  ['PRIVATE', 'ANONYMOUS', 'FIXED'],
  ['PRIVATE', 'ANONYMOUS', 'FIXED'],
  ['PRIVATE', 'ANONYMOUS'],
  ['PRIVATE', 'ANONYMOUS', 'FIXED', 'NORESERVE'],
  ['PRIVATE', 'ANONYMOUS', 'FIXED', 'LOCKED'],
  ['SHARED', 'ANONYMOUS', 'FIXED'],
  ['PRIVATE', 'FIXED'],
];
const PROTS = ['rw-', 'rw-', 'rw-', 'rw-', 'r--', '---', 'rwx'];
const LENGTHS = [1, 2, 4, 7, 8, 16, 24, 40];

function pick<T>(list: readonly T[], number: number): T {
  return list[number % list.length] as T;
}

/** Greatest number of processes: more add nothing new. */
const MOST_PROCESSES = 3;

/**
 * What a draw amounts to in the state that there is. Ranges are parts of mappings, often whole, sometimes reaching over
 * their end; destinations lie beside mappings as often as anywhere.
 *
 * @param window pages of the window that are used
 * @param unit what lengths are multiples of: pages of a huge entry, say, divided by 8
 */
export function operationOf(draw: Draw, state: ScenarioState, window: number, unit: number): Operation {
  const { kind, choice, target } = draw;
  const { p, vmas } = pick(state.procs, draw.process);
  const vma = vmas.length === 0 ? null : pick(vmas, draw.mapping);
  const free = target % window;
  if (kind === 'mmap' || vma === null) {
    const flags = pick(MAPS, choice);
    const len = Math.min(pick(LENGTHS, draw.length) * unit, window);
    const beside = vma === null || target % 2 === 0 ? free : vma[1];
    const addr = Math.min(beside - (beside % (target % 3 === 0 ? 1 : unit)), window - len);
    const fd = flags.includes('ANONYMOUS') ? null : 0;
    return { op: 'mmap', p, addr, len, prot: pick(PROTS, draw.offset), flags, fd, off: 0 };
  }
  const pages = vma[1] - vma[0];
  const whole = draw.offset % 3 === 0;
  const addr = whole ? vma[0] : vma[0] + (draw.offset % pages);
  const rest = vma[1] - addr;
  const len = whole && draw.length % 2 === 0 ? rest : 1 + (draw.length % (rest + (draw.length % 5 === 0 ? unit : 0)));
  const range = { p, addr, len };
  switch (kind) {
    case 'touch': {
      const write = choice % 4 !== 0;
      const stride = choice % 3 === 0 ? 1 + (target % (2 * unit)) : 1;
      return { op: 'touch', ...range, write, stride, value: 1 + (choice % 3) };
    }
    case 'mremap':
      return mremapOf(draw, range, vmas, window);
    case 'madvise':
      return { op: 'madvise', ...range, advice: pick(ADVICE, choice) };
    case 'mprotect':
      return { op: 'mprotect', ...range, prot: pick(PROTS, choice) };
    case 'fork':
      if (state.procs.length >= MOST_PROCESSES) return { op: 'touch', ...range, write: true, stride: 1, value: 2 };
      return { op: 'fork', p, child: Math.max(...state.procs.map((process) => process.p)) + 1 };
    case 'exit':
      return state.procs.length > 1 ? { op: 'exit', p } : { op: 'munmap', ...range };
    case 'mlock':
      return { op: 'mlock', ...range, onfault: choice % 3 === 0 };
    case 'pin':
      return { op: 'pin', ...range, len: Math.min(len, 8), write: choice % 3 !== 0 };
    case 'munmap':
    case 'munlock':
      return { op: kind, ...range };
    case 'failmove':
    case 'failreloc':
      return { op: kind, p, n: 1 + (choice % 12) };
    case 'unpin':
    case 'clearrefs':
    case 'ksmscan':
      return { op: kind, p };
  }
}

function mremapOf(
  draw: Draw,
  range: { readonly p: number; readonly addr: number; readonly len: number },
  vmas: ScenarioState['procs'][number]['vmas'],
  window: number,
): Operation {
  const { p, addr, len } = range;
  const flags = [...pick(MOVES, draw.choice), ...pick(RELOCATION, draw.choice >> 4)];
  const change = draw.length % 7 === 0 ? (draw.target % 9) - 4 : 0;
  const newLen = Math.max(1, flags.includes('DONTUNMAP') ? len : len + change);
  const neighbour = pick(vmas, draw.target >> 2);
  // Anywhere, right behind or right before a mapping, or back to where it was first touched.
  const places = [draw.target % window, neighbour[1], neighbour[0] - newLen, (neighbour[3] ?? 0) + addr - neighbour[0]];
  const newAddr = Math.max(0, Math.min(pick(places, draw.target), window - newLen));
  return { op: 'mremap', p, addr, oldLen: len, newLen, flags, newAddr: flags.includes('FIXED') ? newAddr : null };
}
