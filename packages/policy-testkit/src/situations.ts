import type { Scene, SceneOptions } from './scene.js';

const MADV_DONTNEED = 4;
const MADV_MERGEABLE = 12;
const MADV_PAGEOUT = 21;
const MADV_GUARD_INSTALL = 102;

/** The call that a situation leads to: pages, flags by name (those of the policy are added). */
export interface SituationCall {
  readonly page: number;
  readonly oldPages: number;
  readonly newPages: number;
  readonly to: number;
  readonly flags: readonly string[];
}

/** Something that a policy should be seen in: memory in some state, then one mremap. */
export interface Situation {
  readonly name: string;
  readonly thp?: NonNullable<SceneOptions['thp']>;
  readonly prepare: (scene: Scene) => void;
  readonly call: SituationCall;
}

const move = (page: number, pages: number, to: number, ...flags: string[]): SituationCall => {
  return { page, oldPages: pages, newPages: pages, to, flags: ['MAYMOVE', 'FIXED', ...flags] };
};

const HUGE = { enabled: 'always', orders: [9] } as const;
const SIXTEEN = { enabled: 'always', orders: [4] } as const;

/** Pages 16 to 23 touched, each with content of its own. */
function eight(scene: Scene): void {
  scene.map(16, 8);
  for (let page = 16; page < 24; page++) scene.write(page, 1, page);
}

const PLACES: readonly Situation[] = [
  { name: 'one page', prepare: (s) => s.map(16, 1).write(16, 1, 5), call: move(16, 1, 64) },
  { name: 'eight pages', prepare: eight, call: move(16, 8, 64) },
  {
    name: 'touched backwards',
    prepare: (s) => {
      s.map(16, 100);
      for (let page = 115; page >= 16; page--) s.write(page, 1, page);
    },
    call: move(16, 100, 300),
  },
  { name: 'a part of a mapping', prepare: eight, call: move(18, 4, 64) },
  {
    name: 'a part, right before the rest',
    prepare: (s) => s.map(0, 32).write(0, 32, 3).unmap(8, 4),
    call: move(12, 4, 8),
  },
  { name: 'beside touched memory', prepare: (s) => (eight(s), s.map(56, 8).write(56, 8, 2)), call: move(16, 8, 64) },
  {
    name: 'between two touched mappings',
    prepare: (s) => (eight(s), s.map(56, 8).write(56, 8, 2).map(72, 8).write(72, 8, 3)),
    call: move(16, 8, 64),
  },
  { name: 'between untouched mappings', prepare: (s) => (eight(s), s.map(56, 8).map(72, 8)), call: move(16, 8, 64) },
  {
    name: 'back into its own hole',
    prepare: (s) => {
      s.map(16, 24).write(16, 24, 7);
      s.move(24, 8, 96);
    },
    call: move(96, 8, 24),
  },
  {
    name: 'over an existing mapping',
    prepare: (s) => (eight(s), s.map(60, 20).write(60, 20, 9)),
    call: move(16, 8, 64),
  },
  {
    name: 'sparse, over several tables',
    prepare: (s) => {
      s.map(500, 1100);
      for (let page = 500; page < 1600; page += 50) s.write(page, 1, page % 251);
    },
    call: move(500, 1100, 2000),
  },
  { name: 'a whole table', prepare: (s) => s.map(512, 512).write(512, 512, 4), call: move(512, 512, 1536) },
];

const SHAPES: readonly Situation[] = [
  { name: 'growing on the way', prepare: eight, call: { ...move(16, 8, 64), newPages: 12 } },
  { name: 'shrinking on the way', prepare: eight, call: { ...move(16, 8, 64), newPages: 5 } },
  {
    name: 'growing where there is no room',
    prepare: (s) => (eight(s), s.map(24, 4, { prot: 'r' })),
    call: { page: 16, oldPages: 8, newPages: 12, to: 0, flags: ['MAYMOVE'] },
  },
  {
    name: 'growing in place',
    prepare: eight,
    call: { page: 16, oldPages: 8, newPages: 12, to: 0, flags: ['MAYMOVE'] },
  },
  { name: 'keeping the source', prepare: eight, call: move(16, 8, 64, 'DONTUNMAP') },
  { name: 'keeping the source, right behind it', prepare: eight, call: move(16, 8, 24, 'DONTUNMAP') },
  {
    name: 'several mappings with holes',
    prepare: (s) => {
      for (let i = 0; i < 4; i++) s.map(16 + 3 * i, 2).write(16 + 3 * i, 1, 20 + i);
    },
    call: move(16, 11, 64),
  },
  { name: 'overlapping ranges', prepare: eight, call: move(16, 8, 20) },
  { name: 'nothing mapped', prepare: eight, call: move(40, 8, 64) },
];

const STATES: readonly Situation[] = [
  { name: 'untouched', prepare: (s) => s.map(16, 8), call: move(16, 8, 64) },
  { name: 'only read', prepare: (s) => s.map(16, 8).read(16, 8), call: move(16, 8, 64) },
  { name: 'read-only now', prepare: (s) => (eight(s), s.protect(16, 8, 'r')), call: move(16, 8, 64) },
  { name: 'no access', prepare: (s) => (eight(s), s.protect(16, 8, '-')), call: move(16, 8, 64) },
  { name: 'partly emptied', prepare: (s) => (eight(s), s.advise(18, 3, MADV_DONTNEED)), call: move(16, 8, 64) },
  { name: 'partly in swap', prepare: (s) => (eight(s), s.advise(18, 3, MADV_PAGEOUT)), call: move(16, 8, 64) },
  { name: 'one page pinned', prepare: (s) => (eight(s), s.pin(19, 1)), call: move(16, 8, 64) },
  { name: 'with guard pages', prepare: (s) => (eight(s), s.advise(20, 2, MADV_GUARD_INSTALL)), call: move(16, 8, 64) },
  {
    name: 'merged pages',
    prepare: (s) => {
      s.map(16, 8).write(16, 8, 6).advise(16, 8, MADV_MERGEABLE);
      s.kernel.scanForSamePages();
    },
    call: move(16, 8, 64),
  },
  {
    name: 'locked',
    prepare: (s) => {
      eight(s);
      s.process.mlock(s.address(16), 8 * s.pageSize);
    },
    call: move(16, 8, 64),
  },
  { name: 'shared with a child', prepare: (s) => (eight(s), s.fork()), call: move(16, 8, 64) },
  { name: 'inherited from a parent', prepare: (s) => (eight(s), s.as(s.fork())), call: move(16, 8, 64) },
  { name: 'a child is gone', prepare: (s) => (eight(s), s.fork().exit()), call: move(16, 8, 64) },
  { name: 'shared memory', prepare: (s) => s.map(16, 8, { shared: true }).write(16, 8, 8), call: move(16, 8, 64) },
];

const LARGE: readonly Situation[] = [
  { name: 'a huge page', thp: HUGE, prepare: (s) => s.map(512, 512).write(512, 512, 3), call: move(512, 512, 1536) },
  {
    name: 'a huge page, shifted',
    thp: HUGE,
    prepare: (s) => s.map(512, 512).write(512, 512, 3),
    call: move(512, 512, 1537),
  },
  {
    name: 'half a huge page',
    thp: HUGE,
    prepare: (s) => s.map(512, 512).write(512, 512, 3),
    call: move(512, 256, 1536),
  },
  {
    name: 'a pinned huge page behind another',
    thp: HUGE,
    prepare: (s) => s.map(512, 1024).write(512, 1024, 3).pin(1100, 1),
    call: move(512, 1024, 2048),
  },
  { name: 'large folios', thp: SIXTEEN, prepare: (s) => s.map(16, 32).write(16, 32, 4), call: move(16, 32, 64) },
  {
    name: 'large folios cut at both ends',
    thp: SIXTEEN,
    prepare: (s) => s.map(16, 48).write(16, 48, 4),
    call: move(24, 32, 128),
  },
  {
    name: 'a large folio at an odd place',
    thp: SIXTEEN,
    prepare: (s) => {
      s.map(16, 16).write(16, 16, 4);
      s.move(16, 16, 101);
    },
    call: move(101, 16, 200),
  },
  {
    name: 'a large folio of which a part is elsewhere',
    thp: SIXTEEN,
    prepare: (s) => {
      s.map(16, 16).write(16, 16, 4);
      s.move(24, 8, 101);
    },
    call: move(16, 8, 200),
  },
];

/** The situations that the conformance suite runs a policy through. */
export const SITUATIONS: readonly Situation[] = [...PLACES, ...SHAPES, ...STATES, ...LARGE];
