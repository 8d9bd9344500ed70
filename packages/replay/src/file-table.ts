import type { MappedFile } from '@vmakit/folio';
import type { Kernel } from '@vmakit/kernel';

/** The length of a file is not recorded: no access of a program that ran is beyond its end. Pages. */
const UNKNOWN_SIZE = 2 ** 40;

/** What is known of a file: device and inode if a record of the kernel says them, else the path alone. */
export interface FileIdentity {
  readonly name: string;
  /** `major:minor`; null: not known. */
  readonly device: string | null;
  /** 0: not known. */
  readonly inode: number;
  readonly deleted: boolean;
}

/**
 * The files of a recording. Device and inode tell files apart; where only a path is known (strace), the file last seen
 * with that path is taken, since a path alone does not identify a file.
 */
export class FileTable {
  readonly #kernel: Kernel;
  readonly #byInode: Map<string, MappedFile> = new Map();
  readonly #byPath: Map<string, MappedFile> = new Map();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The file of that identity, made if it is new. */
  find(identity: FileIdentity): MappedFile {
    const { name, device, inode } = identity;
    if (device === null || inode === 0) {
      const known = this.#byPath.get(name);
      return known ?? this.#make(identity);
    }
    const key = `${device}:${inode}:${name}`;
    const known = this.#byInode.get(key);
    if (known !== undefined) return known;
    const file = this.#make(identity);
    this.#byInode.set(key, file);
    return file;
  }

  #make(identity: FileIdentity): MappedFile {
    const { name, device, inode, deleted } = identity;
    const file = this.#kernel.createFile({
      kind: kindOf(name),
      sizePages: UNKNOWN_SIZE,
      name,
      inode,
      device: device ?? '00:00',
      deleted,
      hasCloseHook: name.startsWith('/SYSV'),
    });
    this.#byPath.set(name, file);
    return file;
  }
}

function kindOf(name: string): MappedFile['kind'] {
  if (name.startsWith('[')) return 'special';
  if (name.startsWith('/memfd:')) return 'memfd';
  if (name.startsWith('/SYSV') || name.startsWith('/dev/shm/')) return 'shmem';
  if (name === '/dev/zero') return 'zero';
  return 'regular';
}

/** Splits ` (deleted)` off a path. */
export function splitDeleted(path: string): { readonly name: string; readonly deleted: boolean } {
  const mark = ' (deleted)';
  return path.endsWith(mark) ? { name: path.slice(0, -mark.length), deleted: true } : { name: path, deleted: false };
}
