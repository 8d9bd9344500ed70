import { InvariantError, NONE, copiedInto, enlarged, roomBeyond } from '@vmakit/base';
import { AnonVma } from './anon-vma.js';
import {
  ANON_VMA_FIELDS,
  ID,
  LINKS,
  LINK_COUNT,
  NUM_ACTIVE_VMAS,
  NUM_CHILDREN,
  PARENT_ID,
  REFCOUNT,
  ROOT,
} from './anon-vma-numbers.js';
import { LinkTable } from './link-table.js';
import { LinkTree } from './link-tree.js';

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

  /** The object of each slot; null: nobody has looked at it, or there is no anon_vma. */
  #objects: (AnonVma | null)[] = [];
  /** One is always alive, so that the engine keeps the code compiled for them: see `refuse` of base. */
  protected readonly example: AnonVma = new AnonVma(this, NONE, 0);
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
    if (room > this.#objects.length) this.#grow(Math.max(room, roomBeyond(this.#objects.length)));
    this.links.reserve(2 * count);
  }

  /** Makes a root, which counts itself as a child. Gives its slot. */
  createRoot(): number {
    const slot = this.#takeSlot();
    const id = this.#register(slot);
    this.#initialize(slot, id, slot, id, 1, 0);
    return slot;
  }

  /** Makes the own anon_vma of one VMA, a child of that in the slot `parent`, in its family. Gives its slot. */
  createChild(parent: number): number {
    const slot = this.#takeSlot();
    const id = this.#register(slot);
    const { numbers } = this;
    const root = this.rootOf(parent);
    (numbers[parent * ANON_VMA_FIELDS + NUM_CHILDREN] as number)++;
    (numbers[root * ANON_VMA_FIELDS + REFCOUNT] as number)++;
    this.#initialize(slot, id, root, this.idOf(parent), 0, 1);
    return slot;
  }

  #initialize(slot: number, id: number, root: number, parentId: number, children: number, activeVmas: number): void {
    const { numbers } = this;
    const at = slot * ANON_VMA_FIELDS;
    numbers[at + ROOT] = root;
    numbers[at + NUM_CHILDREN] = children;
    numbers[at + NUM_ACTIVE_VMAS] = activeVmas;
    numbers[at + REFCOUNT] = 1;
    numbers[at + LINK_COUNT] = 0;
    numbers[at + LINKS] = NONE;
    numbers[at + ID] = id;
    numbers[at + PARENT_ID] = parentId;
  }

  /** Gives what is in `slot` an id. */
  #register(slot: number): number {
    const id = this.#nextId++;
    const chunk = id >>> CHUNK_BITS;
    if (chunk === this.#chunks.length) {
      this.#chunks.push(new Int32Array(CHUNK));
      this.#livePerChunk.push(0);
    }
    (this.#chunks[chunk] as Int32Array)[id & (CHUNK - 1)] = slot + 1;
    (this.#livePerChunk[chunk] as number)++;
    this.liveCount++;
    return id;
  }

  /** The living anon_vma in `slot`. */
  inSlot(slot: number): AnonVma {
    return this.#objects[slot] ?? this.#makeObject(slot);
  }

  #makeObject(slot: number): AnonVma {
    const made = new AnonVma(this, slot, this.idOf(slot));
    this.#objects[slot] = made;
    return made;
  }

  /** The id of the living anon_vma in `slot`. */
  idOf(slot: number): number {
    return this.numbers[slot * ANON_VMA_FIELDS + ID] as number;
  }

  /** The same for the anon_vma of a VMA; 0, which is no id, for `NONE`: the VMA is unfaulted. */
  idOrZero(slot: number): number {
    return slot === NONE ? 0 : this.idOf(slot);
  }

  /** The slot of the root of the living anon_vma in `slot`. */
  rootOf(slot: number): number {
    return this.numbers[slot * ANON_VMA_FIELDS + ROOT] as number;
  }

  /** The slot of the living anon_vma of that id; {@link NONE}: it is dead. */
  slotOf(id: number): number {
    const slots = this.#chunks[id >>> CHUNK_BITS];
    return slots ? (slots[id & (CHUNK - 1)] as number) - 1 : NONE;
  }

  /** The living anon_vma of that id. */
  byId(id: number): AnonVma | undefined {
    const slot = this.slotOf(id);
    return slot === NONE ? undefined : this.inSlot(slot);
  }

  /** Forgets the one in `slot`, which was freed. */
  remove(slot: number): void {
    const id = this.idOf(slot);
    if (this.slotOf(id) !== slot) throw new InvariantError(`anon_vma ${id} is freed twice`);
    const chunk = id >>> CHUNK_BITS;
    (this.#chunks[chunk] as Int32Array)[id & (CHUNK - 1)] = 0;
    this.#objects[slot] = null;
    this.numbers[slot * ANON_VMA_FIELDS + LINKS] = this.#freeSlot;
    this.#freeSlot = slot;
    this.liveCount--;
    const left = ((this.#livePerChunk[chunk] as number) -= 1);
    const full = this.#nextId > (chunk + 1) * CHUNK;
    if (left === 0 && full) this.#chunks[chunk] = null;
  }

  /** The tree of the anon_vma in `slot`; null: its links are a row. */
  treeOf(slot: number): LinkTree | null {
    const links = this.numbers[slot * ANON_VMA_FIELDS + LINKS] as number;
    return links < NONE ? (this.#trees[treeNumber(links)] as LinkTree) : null;
  }

  /** Gives the anon_vma in `slot` an empty tree in place of its row. */
  plantTree(slot: number): LinkTree {
    const tree = new LinkTree(this.links);
    const number = this.#freeTrees.pop() ?? this.#trees.length;
    this.#trees[number] = tree;
    this.numbers[slot * ANON_VMA_FIELDS + LINKS] = treeNumber(number);
    return tree;
  }

  /** Takes the tree of the anon_vma in `slot` away: it has an empty row. */
  fellTree(slot: number): void {
    const at = slot * ANON_VMA_FIELDS + LINKS;
    const number = treeNumber(this.numbers[at] as number);
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
      this.#freeSlot = this.numbers[free * ANON_VMA_FIELDS + LINKS] as number;
      return free;
    }
    const slot = this.#used++;
    if (slot === this.#objects.length) this.#grow(roomBeyond(slot));
    return slot;
  }

  #grow(room: number): void {
    this.numbers = copiedInto(new Int32Array(ANON_VMA_FIELDS * room), this.numbers);
    this.#objects = enlarged(this.#objects, room);
  }
}

/** The number of a tree, 0, 1, 2 and so on, as {@link LINKS} has it, -2, -3, -4 and so on; and back. */
function treeNumber(number: number): number {
  return -2 - number;
}
