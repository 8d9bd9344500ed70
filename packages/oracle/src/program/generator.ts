import type { AdviceName, MapFlagName, MremapFlagName, Operation, OperationName } from '@vmakit/trace';
import { ARENA_PAGES, MAX_FILES } from '../driver/protocol.js';
import { Dice } from './dice.js';
import { MIXES, type Mix } from './mix.js';
import { Sketch, type Segment, type SketchAttributes } from './sketch.js';

/** A generated program. */
export interface GeneratedProgram {
  readonly seed: number;
  readonly index: number;
  readonly mix: string;
  readonly operations: Operation[];
}

const HUGE_PAGES = 512;
const FILE_PAGES = 24;
/** Where programs play: close together, so that ranges meet. */
const PLAYGROUND = { low: 16, high: 112 };
const AWAY = { low: 1000, high: 1096 };

const PROTECTIONS = ['rw-', 'r--', '---', 'rwx', 'r-x', '-w-'] as const;
const PROTECTION_WEIGHTS = [70, 12, 8, 6, 3, 1];

const ADVICE: readonly AdviceName[] = [
  'DONTNEED',
  'FREE',
  'DONTFORK',
  'DOFORK',
  'WIPEONFORK',
  'KEEPONFORK',
  'SEQUENTIAL',
  'RANDOM',
  'NORMAL',
  'DONTDUMP',
  'DODUMP',
  'NOHUGEPAGE',
  'HUGEPAGE',
  'GUARD_INSTALL',
  'GUARD_REMOVE',
  'POPULATE_READ',
  'POPULATE_WRITE',
  'MERGEABLE',
  'UNMERGEABLE',
  'COLD',
  'WILLNEED',
  'DONTNEED_LOCKED',
];
const ADVICE_WEIGHTS = [14, 6, 8, 7, 8, 6, 5, 4, 7, 3, 3, 4, 3, 6, 4, 3, 4, 2, 2, 1, 1, 1];

interface PastMove {
  readonly process: number;
  readonly from: number;
  readonly to: number;
  readonly pages: number;
}

/**
 * Makes random programs, biased towards what decides merges and moves: ranges that touch, of equal and of different
 * flags, with and without pages, forks, moves away and back, holes, boundaries of tables and of the window.
 */
export class ProgramGenerator {
  readonly #seed: number;
  readonly #length: number;
  readonly #mixes: readonly Mix[];

  /** `length`: operations of a program, about. `mixes`: names of the mixes to draw from; default: all. */
  constructor(seed: number, length: number, mixes?: readonly string[]) {
    this.#seed = seed;
    this.#length = length;
    this.#mixes = mixes === undefined ? MIXES : MIXES.filter((mix) => mixes.includes(mix.name));
    if (this.#mixes.length === 0) {
      throw new RangeError(`mixes: expected some of ${MIXES.map((mix) => mix.name).join(', ')}`);
    }
  }

  /** The program with this number: always the same one for the same seed. */
  generate(index: number): GeneratedProgram {
    const dice = new Dice(this.#seed, index);
    const mix = this.#mixes[dice.weighted(this.#mixes.map((candidate) => candidate.weight))] ?? this.#mixes[0];
    if (mix === undefined) throw new RangeError('mixes: none');
    const length = mix.huge ? Math.ceil(this.#length / 3) : this.#length;
    const operations = new ProgramWriter(dice, mix).write(dice.between(Math.ceil(length / 2), length));
    return { seed: this.#seed, index, mix: mix.name, operations };
  }
}

/** Writes one program. */
class ProgramWriter {
  readonly #dice: Dice;
  readonly #mix: Mix;
  readonly #names: readonly OperationName[];
  readonly #weights: readonly number[];
  readonly #operations: Operation[] = [];
  readonly #sketches: Map<number, Sketch> = new Map([[0, new Sketch()]]);
  readonly #moves: PastMove[] = [];
  #process = 0;
  #nextProcess = 1;
  #files = 0;
  #nextValue = 1;

  constructor(dice: Dice, mix: Mix) {
    this.#dice = dice;
    this.#mix = mix;
    this.#names = Object.keys(mix.operations) as OperationName[];
    this.#weights = this.#names.map((name) => mix.operations[name] ?? 0);
  }

  write(length: number): Operation[] {
    this.#mmap();
    while (this.#operations.length < length) {
      const name = this.#names[this.#dice.weighted(this.#weights)];
      if (name === undefined) continue;
      this.#chooseProcess();
      this.#writeOne(name);
    }
    return this.#operations;
  }

  get #sketch(): Sketch {
    const sketch = this.#sketches.get(this.#process);
    if (sketch === undefined) throw new RangeError('process: it is gone');
    return sketch;
  }

  /** Mostly the one that acted last. */
  #chooseProcess(): void {
    if (!this.#sketches.has(this.#process) || (this.#sketches.size > 1 && this.#dice.chance(30))) {
      this.#process = this.#dice.pick([...this.#sketches.keys()]);
    }
  }

  #writeOne(name: OperationName): void {
    switch (name) {
      case 'mmap':
        return this.#mmap();
      case 'mremap':
        return this.#mremap();
      case 'touch':
        return this.#touch();
      case 'fork':
        return this.#fork();
      case 'exit':
        return this.#exit();
      case 'unpin':
        this.#operations.push({ op: 'unpin', p: this.#process });
        return;
      case 'rlimit':
        return this.#rlimit();
      default:
        return this.#rangeCall(name);
    }
  }

  #rangeCall(name: OperationName): void {
    const { start, end } = this.#pickRange();
    const range = { p: this.#process, addr: start, len: end - start };
    const sketch = this.#sketch;
    switch (name) {
      case 'munmap':
        sketch.clear(start, end);
        this.#operations.push({ op: name, ...range });
        return;
      case 'mprotect': {
        const prot = this.#pickProtection();
        sketch.protect(start, end, prot);
        this.#operations.push({ op: name, ...range, prot });
        return;
      }
      case 'madvise': {
        const advice = ADVICE[this.#dice.weighted(ADVICE_WEIGHTS)] ?? 'NORMAL';
        const chosen = this.#mix.huge && this.#dice.chance(40) ? 'HUGEPAGE' : advice;
        this.#operations.push({ op: name, ...range, advice: chosen });
        return;
      }
      case 'mlock':
        this.#operations.push({ op: name, ...range, onfault: this.#dice.chance(30) });
        return;
      case 'pin':
        this.#operations.push({ op: name, ...range, len: Math.min(range.len, 4), write: true });
        return;
      case 'uffd': {
        const mode = this.#dice.chance(60) ? 'wp' : 'missing';
        this.#operations.push({ op: name, ...range, mode, events: false, features: 0 });
        return;
      }
      case 'munlock':
      case 'mseal':
        this.#operations.push({ op: name, ...range });
        return;
      default:
        throw new RangeError(`operation: ${name} is not one that the generator makes`);
    }
  }

  #mmap(): void {
    const dice = this.#dice;
    const pages = this.#pickLength();
    const { start, near } = this.#pickPlace(pages);
    const attributes = this.#pickAttributes(start, near);
    const flags: MapFlagName[] = [attributes.shared ? 'SHARED' : 'PRIVATE'];
    if (attributes.file === null) flags.push('ANONYMOUS');
    if (attributes.noReserve) flags.push('NORESERVE');
    const hint = dice.weighted([92, 3, 3, 2]);
    if (hint === 0) flags.push('FIXED');
    if (hint === 1) flags.push('FIXED_NOREPLACE');
    if (dice.chance(2)) flags.push('POPULATE');
    if (hint < 2) this.#sketch.put(start, start + pages, attributes);
    this.#operations.push({
      op: 'mmap',
      p: this.#process,
      addr: hint === 3 ? null : start,
      len: pages,
      prot: attributes.prot,
      flags,
      fd: attributes.file,
      off: attributes.file === null ? 0 : attributes.offset,
    });
  }

  #mremap(): void {
    const kind = this.#dice.weighted([46, 14, 12, 8, 6, 6, 5, 3]);
    if (kind === 1) return this.#moveBack();
    const { start, end } = kind === 2 ? this.#pickSpan() : this.#pickRange();
    const pages = end - start;
    if (kind <= 2) return this.#move(start, pages, this.#pickPlace(pages).start);
    const change = this.#dice.between(1, Math.max(2, pages));
    if (kind === 3) return this.#resize(start, pages, pages + change, []);
    if (kind === 4) return this.#resize(start, pages, Math.max(1, pages - change), []);
    if (kind === 5) return this.#resize(start, pages, pages + change, ['MAYMOVE']);
    if (kind === 6) {
      const length = this.#dice.chance(50) ? pages + change : Math.max(1, pages - change);
      return this.#resize(start, pages, length, ['MAYMOVE', 'FIXED'], this.#pickPlace(length).start);
    }
    this.#resize(start, pages, pages, this.#dice.pick([[], ['MAYMOVE'], ['MAYMOVE', 'DONTUNMAP']]));
  }

  #move(start: number, wanted: number, to: number): void {
    // What fills the rest of the address space stays where it is: without it the kernel would choose addresses there.
    const pages = Math.min(wanted, ARENA_PAGES - Math.max(start, to));
    if (pages < 1) return this.#touch();
    const keep = this.#dice.chance(this.#mix.dontUnmap);
    this.#sketch.move(start, pages, to, keep);
    this.#moves.push({ process: this.#process, from: start, to, pages });
    const flags: MremapFlagName[] = keep ? ['MAYMOVE', 'FIXED', 'DONTUNMAP'] : ['MAYMOVE', 'FIXED'];
    this.#pushMremap(start, pages, pages, flags, to);
  }

  /** Something that was moved goes back to where it came from, whole or in part. */
  #moveBack(): void {
    const own = this.#moves.filter((move) => move.process === this.#process);
    if (own.length === 0) return this.#touch();
    const past = own[Math.max(0, own.length - 1 - this.#dice.below(4))];
    if (past === undefined) return;
    const skip = this.#dice.chance(25) ? this.#dice.below(past.pages) : 0;
    const pages = this.#dice.chance(20) ? this.#dice.between(1, past.pages - skip) : past.pages - skip;
    this.#move(past.to + skip, pages, past.from + skip);
  }

  #resize(start: number, pages: number, newPages: number, flags: readonly MremapFlagName[], to?: number): void {
    const sketch = this.#sketch;
    if (to !== undefined) {
      sketch.move(start, Math.min(pages, newPages), to, false);
      sketch.clear(start, start + pages);
    } else if (newPages < pages) {
      sketch.clear(start + newPages, start + pages);
    } else if (newPages > pages) {
      const last = sketch.segments.find((segment) => segment.end === start + pages);
      const free = !sketch.segments.some((other) => other.start < start + newPages && other.end > start + pages);
      if (last !== undefined && free) sketch.put(last.start, start + newPages, last.attributes);
    }
    this.#pushMremap(start, pages, newPages, flags, to ?? null);
  }

  #pushMremap(
    addr: number,
    oldLen: number,
    newLen: number,
    flags: readonly MremapFlagName[],
    newAddr: number | null,
  ): void {
    this.#operations.push({ op: 'mremap', p: this.#process, addr, oldLen, newLen, flags, newAddr });
  }

  #touch(): void {
    const dice = this.#dice;
    const { start, end } = this.#pickRange();
    const most = this.#mix.huge ? end - start : Math.min(end - start, 4);
    const pages = dice.chance(50) ? Math.min(most, 1) : dice.between(1, most);
    const at = dice.chance(60) ? start : start + dice.below(end - start);
    this.#nextValue = (this.#nextValue % 250) + 1;
    this.#operations.push({
      op: 'touch',
      p: this.#process,
      addr: at,
      len: pages,
      write: dice.chance(80),
      stride: this.#mix.huge && dice.chance(70) ? HUGE_PAGES / 4 : dice.chance(85) ? 1 : 2,
      value: this.#nextValue,
    });
  }

  #fork(): void {
    if (this.#sketches.size >= this.#mix.processes) return this.#touch();
    const child = this.#nextProcess++;
    this.#operations.push({ op: 'fork', p: this.#process, child });
    this.#sketches.set(child, this.#sketch.clone());
    for (const move of this.#moves.filter((past) => past.process === this.#process)) {
      this.#moves.push({ ...move, process: child });
    }
  }

  #exit(): void {
    if (this.#sketches.size === 1) return this.#touch();
    this.#operations.push({ op: 'exit', p: this.#process });
    this.#sketches.delete(this.#process);
  }

  #rlimit(): void {
    const what = this.#dice.pick(['AS', 'DATA', 'MEMLOCK'] as const);
    let mapped = 0;
    for (const segment of this.#sketch.segments) mapped += segment.end - segment.start;
    this.#operations.push({ op: 'rlimit', p: this.#process, what, pages: mapped + this.#dice.between(0, 12) });
  }

  #pickLength(): number {
    const dice = this.#dice;
    if (this.#mix.huge) return dice.pick([HUGE_PAGES, HUGE_PAGES, 2 * HUGE_PAGES, HUGE_PAGES + 3, 256, 24]);
    return dice.between(1, this.#mix.longest);
  }

  #pickProtection(): string {
    return PROTECTIONS[this.#dice.weighted(PROTECTION_WEIGHTS)] ?? 'rw-';
  }

  /** Like the neighbour's, most of the time: different ones never merge. */
  #pickAttributes(start: number, near: Segment | null): SketchAttributes {
    const dice = this.#dice;
    if (near !== null && dice.chance(75)) {
      const offset = near.attributes.file === null ? 0 : near.attributes.offset + (start - near.start);
      return { ...near.attributes, offset: Math.max(0, offset) };
    }
    const file = dice.chance(this.#mix.files) ? this.#pickFile() : null;
    return {
      prot: this.#pickProtection(),
      shared: dice.chance(this.#mix.shared),
      noReserve: dice.chance(8),
      file,
      offset: file === null ? 0 : dice.below(FILE_PAGES),
    };
  }

  #pickFile(): number {
    if (this.#files === 0 || (this.#files < MAX_FILES && this.#dice.chance(15))) {
      this.#operations.push({ op: 'memfd', p: this.#process, fd: this.#files, len: FILE_PAGES });
      return this.#files++;
    }
    return this.#dice.below(this.#files);
  }

  /** A range to do something to: a mapping, a part of one, or a stretch of several. */
  #pickRange(): { readonly start: number; readonly end: number } {
    const { start, end } = this.#pickAnyRange();
    return { start, end: Math.min(end, ARENA_PAGES) };
  }

  #pickAnyRange(): { readonly start: number; readonly end: number } {
    const dice = this.#dice;
    const { segments } = this.#sketch;
    if (segments.length === 0 || dice.chance(2)) {
      const start = dice.between(PLAYGROUND.low, PLAYGROUND.high);
      return { start, end: start + this.#pickLength() };
    }
    const segment = dice.pick(segments);
    const { start, end } = segment;
    const length = end - start;
    switch (dice.weighted([46, 14, 14, 12, 14])) {
      case 0:
        return { start, end };
      case 1:
        return { start, end: start + dice.between(1, length) };
      case 2:
        return { start: end - dice.between(1, length), end };
      case 3: {
        const at = start + dice.below(length);
        return { start: at, end: at + dice.between(1, end - at) };
      }
      default:
        return this.#pickSpan(segment);
    }
  }

  /** From inside or the start of one mapping to inside or the end of another, or a little beyond. */
  #pickSpan(first?: Segment): { readonly start: number; readonly end: number } {
    const dice = this.#dice;
    const { segments } = this.#sketch;
    if (segments.length === 0) return this.#pickAnyRange();
    const index = first === undefined ? dice.below(segments.length) : segments.indexOf(first);
    const begin = segments[index];
    const last = segments[Math.min(segments.length - 1, index + dice.below(3))];
    if (begin === undefined || last === undefined) return this.#pickAnyRange();
    const start = dice.chance(70) ? begin.start : begin.start + dice.below(begin.end - begin.start);
    const limit = dice.chance(85) ? last.end : Math.min(ARENA_PAGES, last.end + dice.between(1, 2));
    const end = dice.chance(75) ? limit : Math.max(start + 1, last.start + dice.between(1, last.end - last.start));
    // A stretch from the playground to what lies far away would be nothing but hole.
    return end - start > 200 && !this.#mix.huge ? { start: begin.start, end: begin.end } : { start, end };
  }

  /** A place for `pages` pages: right beside something, on top of it, in the open, or at a table boundary. */
  #pickPlace(pages: number): { readonly start: number; readonly near: Segment | null } {
    const dice = this.#dice;
    const { segments } = this.#sketch;
    const limit = ARENA_PAGES - pages;
    if (segments.length > 0 && dice.chance(70)) {
      const near = dice.pick(segments);
      const at = [near.end, near.start - pages, near.start, near.end + dice.between(1, 2)];
      const start = at[dice.weighted([44, 40, 8, 8])] ?? near.end;
      if (start >= 0 && start <= limit) return { start, near };
    }
    if (this.#mix.huge) return { start: dice.below(6) * HUGE_PAGES + (dice.chance(75) ? 0 : dice.below(4)), near: null };
    const area = dice.weighted([60, 30, 6, 4]);
    const start = [
      dice.between(PLAYGROUND.low, PLAYGROUND.high),
      dice.between(AWAY.low, AWAY.high),
      HUGE_PAGES * dice.between(1, 3) - dice.below(pages + 1),
      dice.chance(50) ? 0 : limit,
    ][area];
    return { start: start ?? PLAYGROUND.low, near: null };
  }
}
