import { InvariantError, NONE } from '@vmakit/base';
import { AnonVma } from './anon-vma.js';
import {
  ANON_VMA_FIELDS,
  FIRST_LINK,
  LINK_COUNT,
  NUM_ACTIVE_VMAS,
  NUM_CHILDREN,
  REFCOUNT,
  ROOT,
  TREE,
} from './anon-vma-numbers.js';
import { LinkTable } from './link-table.js';
import { LinkTree } from './link-tree.js';
import { enlarged, roomBeyond } from './room.js';

const CHUNK_BITS = 10;
const CHUNK = 1 << CHUNK_BITS;

/**
 * The living anon_vmas of a kernel, with their numbers and their links: a struct of arrays, since a fork makes one
 * anon_vma and two links for each touched VMA, and the garbage collector would copy that many objects twice.
 *
 * Slots are used again; ids go up and are not. Chunks of ids that are all dead are dropped: memory follows the living.
 */
export class AnonVmaRegistry {
  /** The numbers of the anon_vma in slot s: `ANON_VMA_FIELDS` of them, from `s * ANON_VMA_FIELDS` on. */
  numbers: Int32Array = new Int32Array(0);
  readonly links: LinkTable = new LinkTable();
  /** Anon_vmas alive. */
  liveCount = 0;

  #slots: (AnonVma | null)[] = [];
  /** Slots ever taken. */
  #used = 0;
  #freeSlot = NONE;
  /** By id: the slot, plus one; 0: dead. */
  readonly #chunks: (Int32Array | null)[] = [];
  readonly #livePerChunk: number[] = [];
  #nextId = 1;
  readonly #trees: (LinkTree | null)[] = [];
  readonly #freeTrees: number[] = [];

  /** Makes room for `count` more anon_vmas and twice as many links, as a fork makes: in place of growing on the way. */
  reserve(count: number): void {
    const room = this.liveCount + count;
    if (room > this.#slots.length) this.#grow(Math.max(room, roomBeyond(this.#slots.length)));
    this.links.reserve(2 * count);
  }

  /** Makes a root, which counts itself as a child, and registers it. */
  createRoot(): AnonVma {
    const slot = this.#takeSlot();
    const anonVma = new AnonVma(this, slot, this.#nextId, null);
    this.#register(anonVma);
    this.#initialize(slot, slot, 1, 0);
    return anonVma;
  }

  /** Makes the own anon_vma of one VMA, a child of `parent`, and registers it with its family. */
  createChild(parent: AnonVma): AnonVma {
    const slot = this.#takeSlot();
    const anonVma = new AnonVma(this, slot, this.#nextId, parent);
    this.#register(anonVma);
    const { numbers } = this;
    const parentAt = parent.slot * ANON_VMA_FIELDS;
    const root = numbers[parentAt + ROOT] as number;
    (numbers[parentAt + NUM_CHILDREN] as number)++;
    (numbers[root * ANON_VMA_FIELDS + REFCOUNT] as number)++;
    this.#initialize(slot, root, 0, 1);
    return anonVma;
  }

  #initialize(slot: number, root: number, children: number, activeVmas: number): void {
    const { numbers } = this;
    const at = slot * ANON_VMA_FIELDS;
    numbers[at + ROOT] = root;
    numbers[at + NUM_CHILDREN] = children;
    numbers[at + NUM_ACTIVE_VMAS] = activeVmas;
    numbers[at + REFCOUNT] = 1;
    numbers[at + LINK_COUNT] = 0;
    numbers[at + FIRST_LINK] = NONE;
    numbers[at + TREE] = NONE;
  }

  #register(anonVma: AnonVma): void {
    const { slot } = anonVma;
    const id = this.#nextId++;
    const chunk = id >>> CHUNK_BITS;
    if (chunk === this.#chunks.length) {
      this.#chunks.push(new Int32Array(CHUNK));
      this.#livePerChunk.push(0);
    }
    (this.#chunks[chunk] as Int32Array)[id & (CHUNK - 1)] = slot + 1;
    (this.#livePerChunk[chunk] as number)++;
    this.#slots[slot] = anonVma;
    this.liveCount++;
  }

  /** The living anon_vma in `slot`. */
  inSlot(slot: number): AnonVma {
    return this.#slots[slot] as AnonVma;
  }

  /** The living anon_vma of that id. */
  byId(id: number): AnonVma | undefined {
    const slots = this.#chunks[id >>> CHUNK_BITS];
    const found = slots ? (slots[id & (CHUNK - 1)] as number) : 0;
    return found === 0 ? undefined : this.inSlot(found - 1);
  }

  /** Forgets one that was freed. */
  remove(anonVma: AnonVma): void {
    const { id, slot } = anonVma;
    const chunk = id >>> CHUNK_BITS;
    const slots = this.#chunks[chunk];
    if (!slots || slots[id & (CHUNK - 1)] !== slot + 1) throw new InvariantError(`anon_vma ${id} is freed twice`);
    slots[id & (CHUNK - 1)] = 0;
    this.#slots[slot] = null;
    this.numbers[slot * ANON_VMA_FIELDS + FIRST_LINK] = this.#freeSlot;
    this.#freeSlot = slot;
    this.liveCount--;
    const left = ((this.#livePerChunk[chunk] as number) -= 1);
    const full = this.#nextId > (chunk + 1) * CHUNK;
    if (left === 0 && full) this.#chunks[chunk] = null;
  }

  /** The tree of the anon_vma in `slot`; null: its links are a row. */
  treeOf(slot: number): LinkTree | null {
    const tree = this.numbers[slot * ANON_VMA_FIELDS + TREE] as number;
    return tree === NONE ? null : (this.#trees[tree] as LinkTree);
  }

  /** Gives the anon_vma in `slot` an empty tree in place of its row. */
  plantTree(slot: number): LinkTree {
    const tree = new LinkTree();
    const number = this.#freeTrees.pop() ?? this.#trees.length;
    this.#trees[number] = tree;
    this.numbers[slot * ANON_VMA_FIELDS + TREE] = number;
    return tree;
  }

  /** Takes the tree of the anon_vma in `slot` away. */
  fellTree(slot: number): void {
    const at = slot * ANON_VMA_FIELDS + TREE;
    const number = this.numbers[at] as number;
    this.#trees[number] = null;
    this.#freeTrees.push(number);
    this.numbers[at] = NONE;
  }

  /** Every living anon_vma, in order of their ids. */
  *[Symbol.iterator](): IterableIterator<AnonVma> {
    for (const slots of this.#chunks) {
      if (slots === null) continue;
      for (const found of slots) if (found !== 0) yield this.inSlot(found - 1);
    }
  }

  #takeSlot(): number {
    const free = this.#freeSlot;
    if (free !== NONE) {
      this.#freeSlot = this.numbers[free * ANON_VMA_FIELDS + FIRST_LINK] as number;
      return free;
    }
    const slot = this.#used++;
    if (slot === this.#slots.length) this.#grow(roomBeyond(slot));
    return slot;
  }

  #grow(room: number): void {
    const numbers = new Int32Array(ANON_VMA_FIELDS * room);
    numbers.set(this.numbers);
    this.numbers = numbers;
    this.#slots = enlarged(this.#slots, room);
  }
}
