import type { RecordedEvent } from '@vmakit/trace';

/** So many calls tell what there is to tell, or so many events if there are no calls. */
const CALLS = 256;
const EVENTS = 50_000;
/** Programs of x86-64 have no address from here on, those of arm64 their libraries, heap and stack. */
const ABOVE_X86_64 = 2 ** 47;
const ABOVE_ARM64 = 2 ** 48;
/** So many addresses are needed to tell a page size from them. */
const ENOUGH_ADDRESSES = 16;

/** What the beginning of a recording tells of the machine and of the recorder. */
export class FirstLook {
  /** There are page faults among the events. */
  hasFaults = false;
  #calls = 0;
  #events = 0;
  #isHigh = false;
  #addresses = 0;
  /** The low bits that addresses of mappings have. */
  #lowBits = 0;

  /** Looks at some more events. */
  see(events: readonly RecordedEvent[]): void {
    this.#events += events.length;
    for (const event of events) this.#look(event);
  }

  /** No more events are needed. */
  get isEnough(): boolean {
    return this.#calls >= CALLS || this.#events >= EVENTS;
  }

  /**
   * The machine, as `createKernel` names it. Nothing names it in a recording, but addresses show it: where they are,
   * and the size of pages by what they are multiples of.
   */
  get arch(): 'x86-64' | 'arm64-4k' | 'arm64-16k' | 'arm64-64k' {
    if (!this.#isHigh) return 'x86-64';
    if (this.#addresses < ENOUGH_ADDRESSES || (this.#lowBits & 0x3fff) !== 0) return 'arm64-4k';
    return (this.#lowBits & 0xffff) !== 0 ? 'arm64-16k' : 'arm64-64k';
  }

  #look(event: RecordedEvent): void {
    if (event.kind === 'page-fault') this.hasFaults = true;
    else if (event.kind === 'mmap2') this.#note(event.start);
    else if (event.kind === 'syscall') {
      this.#calls++;
      if (event.errno !== null || event.result === null) return;
      if (event.call === 'mmap' || event.call === 'mremap') this.#note(event.result);
      else if (event.call === 'munmap' || event.call === 'mprotect') this.#note(event.args.address);
      else if (event.call === 'brk') this.#isHigh ||= isHigh(event.result);
    }
  }

  #note(address: number): void {
    this.#isHigh ||= isHigh(address);
    this.#addresses++;
    this.#lowBits |= address % 65_536;
  }
}

function isHigh(address: number): boolean {
  return address >= ABOVE_X86_64 && address < ABOVE_ARM64;
}
