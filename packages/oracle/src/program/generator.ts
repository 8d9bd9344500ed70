import type { AdviceName, MapFlagName, MremapFlagName, Operation, OperationName } from '@vmakit/trace';
import { ARENA_PAGES, MAX_FILES } from '../driver/protocol.js';
import { Aim, TABLE_PAGES } from './aim.js';
import { Dice } from './dice.js';
import { malform } from './malform.js';
import { MIXES, type Mix } from './mix.js';
import { type Segment, Sketch, type SketchAttributes } from './sketch.js';

/** A generated program. */
export interface GeneratedProgram {
  readonly seed: number;
  readonly index: number;
  /** Name of its mix. */
  readonly mix: string;
  readonly operations: readonly Operation[];
}

const FILE_PAGES = 24;

const PROTECTIONS = ['rw-', 'r--', '---', 'rwx', 'r-x', '-w-', '--x'] as const;
const PROTECTION_WEIGHTS = [70, 12, 7, 6, 3, 1, 1];

const ADVICE: readonly (readonly [name: AdviceName, weight: number])[] = [
  ['DONTNEED', 14],
  ['FREE', 6],
  ['DONTFORK', 8],
  ['DOFORK', 7],
  ['WIPEONFORK', 8],
  ['KEEPONFORK', 6],
  ['SEQUENTIAL', 5],
  ['RANDOM', 4],
  ['NORMAL', 7],
  ['DONTDUMP', 3],
  ['DODUMP', 3],
  ['NOHUGEPAGE', 4],
  ['HUGEPAGE', 3],
  ['GUARD_INSTALL', 6],
  ['GUARD_REMOVE', 4],
  ['POPULATE_READ', 3],
  ['POPULATE_WRITE', 4],
  ['MERGEABLE', 2],
  ['UNMERGEABLE', 2],
  ['COLD', 1],
  ['WILLNEED', 1],
  ['DONTNEED_LOCKED', 1],
];
const ADVICE_WEIGHTS = ADVICE.map(([, weight]) => weight);

/** A move that was made, for moving back. */
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

  /**
   * `length`: operations of a program, about. `mixes`: names of the mixes to draw from; default: all.
   *
   * @throws {RangeError} when no mix has one of the names
   */
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
    const length = mix.wide ? Math.ceil(this.#length / 3) : this.#length;
    const operations = new ProgramWriter(dice, mix).write(dice.between(Math.ceil(length / 2), length));
    return { seed: this.#seed, index, mix: mix.name, operations };
  }
}

/** Writes one program. */
class ProgramWriter {
  readonly #dice: Dice;
  readonly #mix: Mix;
  readonly #aim: Aim;
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
    this.#aim = new Aim(dice, mix);
    this.#names = Object.keys(mix.operations) as OperationName[];
    this.#weights = this.#names.map((name) => mix.operations[name] ?? 0);
  }

  write(length: number): Operation[] {
    if (this.#mix.nearMapLimit) this.#push({ op: 'maplimit', p: 0, vmas: this.#dice.between(6, 16) });
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

  #push(operation: Operation): void {
    const { malformed } = this.#mix;
    this.#operations.push(malformed > 0 && this.#dice.chance(malformed) ? malform(operation, this.#dice) : operation);
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
        return this.#push({ op: 'unpin', p: this.#process });
      case 'rlimit':
        return this.#rlimit();
      default:
        return this.#rangeCall(name);
    }
  }

  #rangeCall(name: OperationName): void {
    const { start, end } = this.#aim.range(this.#sketch);
    const range = { p: this.#process, addr: start, len: end - start };
    switch (name) {
      case 'munmap':
        this.#sketch.clear(start, end);
        return this.#push({ op: name, ...range });
      case 'mprotect': {
        const prot = this.#pickProtection(start, end);
        this.#sketch.protect(start, end, prot);
        return this.#push({ op: name, ...range, prot });
      }
      case 'madvise': {
        const [advice] = ADVICE[this.#dice.weighted(ADVICE_WEIGHTS)] ?? (['NORMAL'] as const);
        return this.#push({
          op: name,
          ...range,
          advice: this.#dice.chance(this.#mix.hugeAdvice) ? 'HUGEPAGE' : advice,
        });
      }
      case 'mlock':
        return this.#push({ op: name, ...range, onfault: this.#dice.chance(30) });
      case 'pin':
        return this.#push({ op: name, ...range, len: Math.min(range.len, 4), write: true });
      case 'uffd': {
        const mode = this.#dice.chance(60) ? 'wp' : 'missing';
        return this.#push({ op: name, ...range, mode, events: false, features: 0 });
      }
      case 'uffdwp':
        return this.#push({ op: name, ...range, protect: this.#dice.chance(70) });
      case 'munlock':
      case 'mseal':
      case 'uffdpoison':
        return this.#push({ op: name, ...range });
      default:
        throw new RangeError(`operation: ${name} is not one that the generator makes`);
    }
  }

  #mmap(): void {
    const dice = this.#dice;
    const pages = this.#aim.length();
    const { start, near } = this.#aim.place(this.#sketch, pages);
    const attributes = this.#pickAttributes(start, near);
    const flags: MapFlagName[] = [attributes.shared ? 'SHARED' : 'PRIVATE'];
    if (attributes.file === null) flags.push('ANONYMOUS');
    if (attributes.noReserve) flags.push('NORESERVE');
    const hint = dice.weighted([92, 3, 3, 2]);
    if (hint === 0) flags.push('FIXED');
    if (hint === 1) flags.push('FIXED_NOREPLACE');
    if (this.#mix.extraFlags.length > 0 && dice.chance(12)) {
      const extra = dice.pick(this.#mix.extraFlags);
      // The others come beside the type of the mapping; this one is a type.
      if (extra === 'DROPPABLE') flags[0] = extra;
      else flags.push(extra);
    }
    if (hint < 2) this.#sketch.put(start, start + pages, attributes);
    this.#push({
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
    const kind = this.#dice.weighted([46, 14, 10, 8, 6, 6, 6, 4, 1]);
    if (kind === 1) return this.#moveBack();
    const { start, end } = kind === 2 ? this.#aim.stretch(this.#sketch) : this.#aim.range(this.#sketch);
    const pages = end - start;
    if (kind <= 2) return this.#move(start, pages, this.#aim.place(this.#sketch, pages).start);
    const change = this.#dice.between(1, Math.max(2, pages));
    if (kind === 3) return this.#resize(start, pages, pages + change, []);
    if (kind === 4) return this.#resize(start, pages, Math.max(1, pages - change), []);
    if (kind === 5) return this.#resize(start, pages, pages + change, ['MAYMOVE']);
    if (kind === 6) {
      const length = this.#dice.chance(50) ? pages + change : Math.max(1, pages - change);
      return this.#resize(start, pages, length, ['MAYMOVE', 'FIXED'], this.#aim.place(this.#sketch, length).start);
    }
    if (kind === 8) return this.#duplicate(start, pages);
    this.#resize(start, pages, pages, this.#dice.pick([[], ['MAYMOVE'], ['MAYMOVE', 'DONTUNMAP']]));
  }

  /** From an old length of nothing a shared mapping is mapped a second time. */
  #duplicate(start: number, pages: number): void {
    const oldLen = { bytes: 0 };
    const fixed = this.#dice.chance(50);
    const newAddr = fixed ? this.#aim.place(this.#sketch, pages).start : null;
    const flags: MremapFlagName[] = fixed ? ['MAYMOVE', 'FIXED'] : ['MAYMOVE'];
    this.#push({ op: 'mremap', p: this.#process, addr: start, oldLen, newLen: pages, flags, newAddr });
  }

  #move(start: number, wanted: number, to: number): void {
    // What fills the rest of the address space stays where it is: without it the kernel would choose addresses there.
    const pages = Math.min(wanted, ARENA_PAGES - Math.max(start, to));
    if (pages < 1) return this.#touch();
    const keep = this.#dice.chance(this.#mix.dontUnmap);
    this.#sketch.move(start, pages, to, keep);
    this.#moves.push({ process: this.#process, from: start, to, pages });
    this.#pushMremap(start, pages, pages, keep ? ['MAYMOVE', 'FIXED', 'DONTUNMAP'] : ['MAYMOVE', 'FIXED'], to);
  }

  /** Something that was moved goes back to where it came from, whole or in part. */
  #moveBack(): void {
    const own = this.#moves.filter((move) => move.process === this.#process);
    const past = own[Math.max(0, own.length - 1 - this.#dice.below(4))];
    if (past === undefined) return this.#touch();
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
    this.#push({ op: 'mremap', p: this.#process, addr, oldLen, newLen, flags, newAddr });
  }

  #touch(): void {
    const dice = this.#dice;
    const { start, end } = this.#aim.touchable(this.#sketch);
    const most = this.#mix.wide ? end - start : Math.min(end - start, 4);
    const pages = dice.chance(50) ? 1 : dice.between(1, most);
    const at = dice.chance(60) ? start : start + dice.below(end - start);
    // Now and then just below: where a stack would grow.
    const below = this.#mix.extraFlags.includes('GROWSDOWN') && dice.chance(8) ? dice.between(1, 3) : 0;
    this.#nextValue = (this.#nextValue % 250) + 1;
    this.#push({
      op: 'touch',
      p: this.#process,
      addr: Math.max(0, at - below),
      len: pages,
      write: dice.chance(80),
      stride: this.#mix.wide && dice.chance(70) ? TABLE_PAGES / 4 : dice.chance(85) ? 1 : 2,
      value: this.#nextValue,
    });
  }

  #fork(): void {
    if (this.#sketches.size >= this.#mix.processes) return this.#touch();
    const child = this.#nextProcess++;
    this.#push({ op: 'fork', p: this.#process, child });
    this.#sketches.set(child, this.#sketch.clone());
    const inherited = this.#moves.filter((past) => past.process === this.#process);
    for (const move of inherited) this.#moves.push({ ...move, process: child });
  }

  #exit(): void {
    if (this.#sketches.size === 1) return this.#touch();
    this.#push({ op: 'exit', p: this.#process });
    this.#sketches.delete(this.#process);
  }

  #rlimit(): void {
    const what = this.#dice.pick(['AS', 'DATA', 'MEMLOCK'] as const);
    let mapped = 0;
    for (const segment of this.#sketch.segments) mapped += segment.end - segment.start;
    this.#push({ op: 'rlimit', p: this.#process, what, pages: mapped + this.#dice.between(0, 12) });
  }

  /** For a range that there is: often what a neighbour has, so that the two may merge. */
  #pickProtection(start: number, end: number): string {
    const beside = this.#sketch.segments.filter((segment) => segment.end === start || segment.start === end);
    if (beside.length > 0 && this.#dice.chance(55)) return this.#dice.pick(beside).attributes.prot;
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
      prot: PROTECTIONS[dice.weighted(PROTECTION_WEIGHTS)] ?? 'rw-',
      shared: dice.chance(this.#mix.shared),
      noReserve: dice.chance(8),
      file,
      offset: file === null ? 0 : dice.below(FILE_PAGES),
    };
  }

  #pickFile(): number {
    if (this.#files === 0 || (this.#files < MAX_FILES && this.#dice.chance(15))) {
      this.#push({ op: 'memfd', p: this.#process, fd: this.#files, len: FILE_PAGES });
      return this.#files++;
    }
    return this.#dice.below(this.#files);
  }
}
