import {
  InvariantError,
  NONE,
  VM_SHARED,
  type VmFlags,
  alignedDoubles,
  copiedInto,
  enlarged,
  roomBeyond,
  withFlags,
  wordsOf,
} from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { type RmapVmaTable, policiesEqual } from '@vmakit/rmap';
import { PLAIN, type VmaExtras, extrasOf } from './vma-extras.js';
import {
  ANON_VMA,
  ATTACHED,
  CHAIN,
  DETACHED,
  END,
  FLAGS_LOWER,
  FLAGS_UPPER,
  FREED,
  HAS_EXTRAS,
  NEXT,
  NUMBERS_SHIFT,
  PAGE_OFFSET,
  PREV,
  START,
  STATE,
  WORDS_SHIFT,
} from './vma-row.js';
import { type UserfaultContext, Vma, type VmaOwner } from './vma.js';

const UPPER = 2 ** 32;

/**
 * The VMAs of one address space: each is a row of 64 bytes, its number from 0 on, used again when the VMA is gone. What
 * a call reads of a VMA lies in one or two lines of the processor's cache, and the garbage collector has nothing to do
 * with it. `Vma` is a view of a row, made when somebody asks for it; a row keeps its view.
 */
export class VmaTable implements RmapVmaTable {
  readonly owner: VmaOwner;
  linkOwner: number = NONE;
  /** Doubles of the rows. */
  numbers: Float64Array = new Float64Array(0);
  /** The same memory. */
  words: Int32Array = new Int32Array(0);
  /** By row, as far as any was asked for. */
  #views: (Vma | null)[] = [];
  /** By row, as far as any was set: of rows that have {@link HAS_EXTRAS}. */
  readonly #extras: VmaExtras[] = [];
  /** Rows ever used. */
  #used = 0;
  #free = NONE;
  /** One is always alive, so that the engine keeps the code compiled for views: see `refuse` of base. */
  protected readonly example: Vma = new Vma(this, NONE);

  constructor(owner: VmaOwner) {
    this.owner = owner;
  }

  /** Makes a VMA that is in no tree, unfaulted and without anything of {@link VmaExtras} (`vm_area_alloc`). */
  allocate(start: number, end: number, pageOffset: number, flags: VmFlags): number {
    const row = this.#takeRow();
    this.setStart(row, start);
    this.setEnd(row, end);
    this.setPageOffset(row, pageOffset);
    this.setFlags(row, flags);
    this.#begin(row);
    return row;
  }

  /** A VMA like that in `row` of `from`, with offsets and attributes, but in no tree and not linked to anon_vmas. */
  duplicate(from: VmaTable, row: number): number {
    const copy = this.#takeRow();
    const source = from.numbers;
    const numbers = this.numbers;
    const at = copy << NUMBERS_SHIFT;
    const sourceAt = row << NUMBERS_SHIFT;
    numbers[at + START] = source[sourceAt + START] as number;
    numbers[at + END] = source[sourceAt + END] as number;
    numbers[at + PAGE_OFFSET] = source[sourceAt + PAGE_OFFSET] as number;
    const { words } = this;
    words[(copy << WORDS_SHIFT) + FLAGS_LOWER] = from.flagsLower(row);
    words[(copy << WORDS_SHIFT) + FLAGS_UPPER] = from.words[(row << WORDS_SHIFT) + FLAGS_UPPER] as number;
    this.#begin(copy);
    if (from.hasExtras(row)) this.setExtras(copy, from.extras(row));
    return copy;
  }

  /** What is the same of every VMA that is new. */
  #begin(row: number): void {
    const { words } = this;
    const at = row << WORDS_SHIFT;
    words[at + STATE] = DETACHED;
    words[at + ANON_VMA] = NONE;
    words[at + CHAIN] = NONE;
    words[at + HAS_EXTRAS] = 0;
    words[at + PREV] = NONE;
    words[at + NEXT] = NONE;
  }

  /**
   * Takes back a VMA that is gone for good (`vm_area_free`): out of its tree and without links. Nobody may look at it
   * from now on.
   */
  free(row: number): void {
    const { words } = this;
    const at = row << WORDS_SHIFT;
    if (words[at + STATE] !== DETACHED || words[at + CHAIN] !== NONE) {
      const range = { start: this.start(row), end: this.end(row) };
      throw new InvariantError('a VMA is freed once, out of its tree and unlinked', range);
    }
    words[at + STATE] = FREED;
    words[at + NEXT] = this.#free;
    this.#free = row;
    if (words[at + HAS_EXTRAS] !== 0) this.#extras[row] = PLAIN;
  }

  #takeRow(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.next(free);
      return free;
    }
    const row = this.#used++;
    if (row << WORDS_SHIFT === this.words.length) this.#grow(roomBeyond(row));
    return row;
  }

  /** Makes room for `count` VMAs, in place of growing on the way. */
  reserve(count: number): void {
    if (count << WORDS_SHIFT > this.words.length) this.#grow(count);
  }

  #grow(room: number): void {
    this.numbers = copiedInto(alignedDoubles(room << NUMBERS_SHIFT), this.numbers);
    this.words = wordsOf(this.numbers);
  }

  /** The VMA in `row` as an object. */
  view(row: number): Vma {
    const views = this.#views;
    return (row < views.length ? views[row] : null) ?? this.#makeView(row);
  }

  /** The same; {@link NONE}: null. */
  viewOrNull(row: number): Vma | null {
    return row === NONE ? null : this.view(row);
  }

  #makeView(row: number): Vma {
    if (row >= this.#views.length) this.#views = enlarged(this.#views, this.words.length >> WORDS_SHIFT);
    const view = new Vma(this, row);
    this.#views[row] = view;
    return view;
  }

  start(row: number): number {
    return this.numbers[(row << NUMBERS_SHIFT) + START] as number;
  }

  setStart(row: number, page: number): void {
    this.numbers[(row << NUMBERS_SHIFT) + START] = page;
  }

  end(row: number): number {
    return this.numbers[(row << NUMBERS_SHIFT) + END] as number;
  }

  setEnd(row: number, page: number): void {
    this.numbers[(row << NUMBERS_SHIFT) + END] = page;
  }

  pageOffset(row: number): number {
    return this.numbers[(row << NUMBERS_SHIFT) + PAGE_OFFSET] as number;
  }

  setPageOffset(row: number, offset: number): void {
    this.numbers[(row << NUMBERS_SHIFT) + PAGE_OFFSET] = offset;
  }

  /** The page offset that `page` of the VMA has (spec 01 section 1, index rule). */
  pageOffsetAt(row: number, page: number): number {
    return this.pageOffset(row) + (page - this.start(row));
  }

  anonPageOffset(row: number): number {
    const offset = this.numbers[(row << NUMBERS_SHIFT) + PAGE_OFFSET] as number;
    if (this.words[(row << WORDS_SHIFT) + HAS_EXTRAS] === 0) return offset;
    return offset + (this.extras(row).anonDistance ?? 0);
  }

  /** The index that an anonymous folio at `page` of the VMA has (spec 01 section 1, index rule). */
  anonIndex(row: number, page: number): number {
    return this.anonPageOffset(row) + (page - this.start(row));
  }

  /** When it is set, the page offset stays. */
  setAnonPageOffset(row: number, offset: number): void {
    const above = offset - this.pageOffset(row);
    if (above === 0 && !this.hasExtras(row)) return;
    const { file, policy, uffd, name } = this.extras(row);
    this.setExtras(row, extrasOf(file, policy, uffd, name, above === 0 ? null : above));
  }

  flags(row: number): VmFlags {
    const upper = this.words[(row << WORDS_SHIFT) + FLAGS_UPPER] as number;
    const lower = this.words[(row << WORDS_SHIFT) + FLAGS_LOWER] as number;
    // Most are small integers, which need not be made objects.
    if (upper === 0 && lower >= 0) return lower;
    return upper * UPPER + (lower >>> 0);
  }

  setFlags(row: number, flags: VmFlags): void {
    this.words[(row << WORDS_SHIFT) + FLAGS_LOWER] = flags | 0;
    this.words[(row << WORDS_SHIFT) + FLAGS_UPPER] = (flags / UPPER) | 0;
  }

  /** Sets `flags` beside those that it has. */
  addFlags(row: number, flags: VmFlags): void {
    this.setFlags(row, withFlags(this.flags(row), flags));
  }

  /** The lower 32 bits of the flags, for tests of single bits: as a signed number. */
  flagsLower(row: number): number {
    return this.words[(row << WORDS_SHIFT) + FLAGS_LOWER] as number;
  }

  /** Whether any bit of `mask` is set in the flags, wherever in a word it is. */
  hasAny(row: number, mask: VmFlags): boolean {
    const upper = (mask / UPPER) | 0;
    return (((this.words[(row << WORDS_SHIFT) + FLAGS_UPPER] as number) & upper) | (this.flagsLower(row) & mask)) !== 0;
  }

  /** The slot of its anon_vma; {@link NONE}: unfaulted. */
  anonVmaSlot(row: number): number {
    return this.words[(row << WORDS_SHIFT) + ANON_VMA] as number;
  }

  setAnonVmaSlot(row: number, slot: number): void {
    this.words[(row << WORDS_SHIFT) + ANON_VMA] = slot;
  }

  isFaulted(row: number): boolean {
    return this.anonVmaSlot(row) !== NONE;
  }

  /** The first of its links to anon_vmas. */
  chain(row: number): number {
    return this.words[(row << WORDS_SHIFT) + CHAIN] as number;
  }

  setChain(row: number, link: number): void {
    this.words[(row << WORDS_SHIFT) + CHAIN] = link;
  }

  /** Whether {@link extras} of it are others than {@link PLAIN}. */
  hasExtras(row: number): boolean {
    return this.words[(row << WORDS_SHIFT) + HAS_EXTRAS] !== 0;
  }

  extras(row: number): VmaExtras {
    return this.hasExtras(row) ? (this.#extras[row] as VmaExtras) : PLAIN;
  }

  /** The file that it maps; null: none. */
  file(row: number): MappedFile | null {
    return this.hasExtras(row) ? this.extras(row).file : null;
  }

  /** The userfaultfd that it is registered with; null: none. */
  uffd(row: number): UserfaultContext | null {
    return this.hasExtras(row) ? this.extras(row).uffd : null;
  }

  setExtras(row: number, extras: VmaExtras): void {
    const has = extras !== PLAIN;
    if (has || this.hasExtras(row)) {
      while (this.#extras.length <= row) this.#extras.push(PLAIN);
      this.#extras[row] = extras;
    }
    this.words[(row << WORDS_SHIFT) + HAS_EXTRAS] = Number(has);
  }

  /** Whether two VMAs have the same file, if any, and equal memory policies. */
  haveSameBacking(row: number, other: number): boolean {
    const mine = this.extras(row);
    const theirs = this.extras(other);
    return mine === theirs || (mine.file === theirs.file && policiesEqual(mine.policy, theirs.policy));
  }

  /** See `isAnonymous`. */
  isAnonymous(row: number): boolean {
    if (!this.hasExtras(row)) return true;
    const { file } = this.extras(row);
    return file === null || (file.isAnonymousWhenPrivate && (this.flagsLower(row) & VM_SHARED) === 0);
  }

  /** Reads something of the first `count` of `rows`, which are in a tree: memory is waited for once for all of them. */
  fetch(rows: Int32Array, count: number): void {
    const { words } = this;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      if (words[(row << WORDS_SHIFT) + STATE] !== ATTACHED) {
        throw new InvariantError('a VMA of the tree is attached', { row });
      }
    }
  }

  /** In its mm's tree. */
  isAttached(row: number): boolean {
    return this.words[(row << WORDS_SHIFT) + STATE] === ATTACHED;
  }

  /** It goes into its mm's tree. */
  attach(row: number): void {
    this.words[(row << WORDS_SHIFT) + STATE] = ATTACHED;
  }

  /** It is out of its mm's tree. */
  detach(row: number): void {
    this.words[(row << WORDS_SHIFT) + STATE] = DETACHED;
  }

  /** Whether it is mapped and `page` lies in it: that it is what a search would find. */
  isMappedAt(row: number, page: number): boolean {
    return this.isAttached(row) && this.start(row) <= page && page < this.end(row);
  }

  /** The VMA before it; {@link NONE}: it is the first. */
  prev(row: number): number {
    return this.words[(row << WORDS_SHIFT) + PREV] as number;
  }

  setPrev(row: number, prev: number): void {
    this.words[(row << WORDS_SHIFT) + PREV] = prev;
  }

  /** The VMA behind it; {@link NONE}: it is the last. */
  next(row: number): number {
    return this.words[(row << WORDS_SHIFT) + NEXT] as number;
  }

  setNext(row: number, next: number): void {
    this.words[(row << WORDS_SHIFT) + NEXT] = next;
  }
}
