import type { MappedFile } from '@vmakit/folio';
import type { Kernel, Process } from '@vmakit/kernel';
import type { Mmap2Event, SyscallEvent, SyscallEventOf } from '@vmakit/trace';
import { type FileIdentity, type FileTable, splitDeleted } from './file-table.js';

/** Which file a call maps, from what strace prints of a descriptor or from the kernel's record of the mapping. */
export class CallFiles {
  readonly #table: FileTable;
  readonly #kernel: Kernel;
  /** Sizes of SysV segments by id, from shmget. Bytes. */
  readonly #segmentSizes: Map<number, number> = new Map();
  readonly #segments: Map<number, MappedFile> = new Map();
  #records: readonly Mmap2Event[] = [];

  constructor(table: FileTable, kernel: Kernel) {
    this.#table = table;
    this.#kernel = kernel;
  }

  /** The records that the kernel made during the call that is run next. */
  setRecords(records: readonly Mmap2Event[]): void {
    this.#records = records;
  }

  /** The file of an mmap that is not anonymous. */
  mapped(event: SyscallEventOf<'mmap'>): MappedFile {
    const record = event.result === null ? null : this.#recordAt(event.result);
    if (record !== null) return this.#table.find(identityOf(record));
    const { path, deleted, fd } = event.args;
    return this.#table.find({ name: path ?? `fd:${fd}`, device: null, inode: 0, deleted });
  }

  /** Gives the inode that the kernel's record tells to the new file behind shared anonymous memory. */
  noteShared(process: Process, event: SyscallEventOf<'mmap'>): void {
    const record = event.result === null ? null : this.#recordAt(event.result);
    if (record === null || event.result === null) return;
    const vma = process.mm.tree.at(event.result / process.mm.env.arch.pageSize);
    const file = vma?.file ?? null;
    if (file !== null && record.inode !== null) file.inode = record.inode;
  }

  /** Remembers the size of a SysV segment. */
  noteSegment(event: SyscallEventOf<'shmget'>): void {
    if (event.result !== null) this.#segmentSizes.set(event.result, event.args.length);
  }

  /** Whether a call has named the segment `id` as one that there is. */
  knowsSegment(id: number): boolean {
    return this.#segments.has(id) || this.#segmentSizes.has(id);
  }

  /** Where io_setup has put its ring, from the kernel's record; null when there is none. */
  ringAddress(): number | null {
    return this.#records.find(({ name }) => name.startsWith('/[aio]'))?.start ?? null;
  }

  /** The SysV segment `id`. */
  segment(id: number, event: SyscallEvent): MappedFile {
    const known = this.#segments.get(id);
    if (known !== undefined) return known;
    const record = event.result === null ? null : this.#recordAt(event.result);
    const bytes = this.#segmentSizes.get(id) ?? record?.length ?? 0;
    const file = this.#kernel.createFile({
      kind: 'shmem',
      sizePages: Math.max(1, Math.ceil(bytes / this.#kernel.env.arch.pageSize)),
      name: record === null ? '/SYSV00000000' : splitDeleted(record.name).name,
      inode: record?.inode ?? id,
      device: record?.device ?? '00:01',
      deleted: true,
      hasCloseHook: true,
    });
    this.#segments.set(id, file);
    return file;
  }

  #recordAt(address: number): Mmap2Event | null {
    for (const record of this.#records) {
      if (record.start <= address && address < record.start + record.length) return record;
    }
    return null;
  }
}

function identityOf(record: Mmap2Event): FileIdentity {
  const { name, deleted } = splitDeleted(record.name);
  // The kernel's records leave out that a memfd has no name in any directory.
  return { name, device: record.device, inode: record.inode ?? 0, deleted: deleted || name.startsWith('/memfd:') };
}
