import type { RecordReader } from '../driver/record-reader.js';
import * as protocol from '../driver/protocol.js';
import { flagsText } from './flags-text.js';
import { FirstSeen } from './first-seen.js';
import type { VisibleKind, VisibleMapping, VisiblePage, VisibleProcess } from './visible-state.js';

/** Names for files and frames of one program, given in the order in which they are met. */
export interface LiveNames {
  readonly files: FirstSeen;
  readonly frames: FirstSeen;
}

export function newLiveNames(): LiveNames {
  return { files: new FirstSeen(), frames: new FirstSeen() };
}

/** The process state at which `reader` stands. `zeroFrame`: see `Greeting`. */
export function decodeProcess(reader: RecordReader, names: LiveNames, zeroFrame: number): VisibleProcess {
  const withFlags = (reader.want & protocol.WANT_FLAGS) !== 0;
  const mappings: VisibleMapping[] = [];
  for (let i = 0; i < reader.mappings; i++) {
    mappings.push(decodeMapping(reader.words, reader.mappingsAt + i * protocol.MAPPING_WORDS, names, withFlags));
  }
  const pages: VisiblePage[] = [];
  const withCounts = (reader.want & protocol.WANT_COUNTS) !== 0;
  for (let i = 0; i < reader.runs; i++) {
    decodeRun(reader.words, reader.runsAt + i * protocol.RUN_WORDS, names, zeroFrame, withCounts, pages);
  }
  const { process, total, data } = reader;
  return { process, total, data, locked: reader.want & protocol.WANT_LOCKED ? reader.locked : null, mappings, pages };
}

function decodeMapping(words: Uint32Array, at: number, names: LiveNames, withFlags: boolean): VisibleMapping {
  const word = (index: number): number => words[at + index] ?? 0;
  const prot = word(2);
  const inode = word(3);
  return {
    start: word(0) | 0,
    end: word(1) | 0,
    prot: (prot & 1 ? 'r' : '-') + (prot & 2 ? 'w' : '-') + (prot & 4 ? 'x' : '-') + (prot & 8 ? 's' : 'p'),
    file: inode === 0 ? null : names.files.nameOf(inode),
    offset: inode === 0 ? null : word(4),
    flags: withFlags ? flagsText(word(6) * 2 ** 32 + word(5)) : null,
  };
}

function kindOf(bits: number, frame: number, zeroFrame: number): VisibleKind {
  if (bits & protocol.ENTRY_GUARD) return 'guard';
  if (bits & protocol.ENTRY_SWAP) return bits & protocol.ENTRY_UFFD_WP ? 'marker' : 'swap';
  if (bits & protocol.ENTRY_FILE) return 'file';
  return zeroFrame !== 0 && frame === zeroFrame ? 'zero' : 'anon';
}

function decodeRun(
  words: Uint32Array,
  at: number,
  names: LiveNames,
  zeroFrame: number,
  withCounts: boolean,
  pages: VisiblePage[],
): void {
  const word = (index: number): number => words[at + index] ?? 0;
  const bits = word(3);
  const present = (bits & protocol.ENTRY_PRESENT) !== 0;
  for (let i = 0; i < word(1); i++) {
    const frame = word(2) + i;
    const kind = kindOf(bits, frame, zeroFrame);
    pages.push({
      page: word(0) + i,
      kind,
      frame: present && kind !== 'zero' && zeroFrame !== 0 ? names.frames.nameOf(frame) : null,
      mappedOnce: (bits & protocol.ENTRY_EXCLUSIVE) !== 0,
      softDirty: (bits & protocol.ENTRY_SOFT_DIRTY) !== 0,
      uffdWp: (bits & protocol.ENTRY_UFFD_WP) !== 0,
      content: bits & protocol.ENTRY_CONTENT ? (bits >>> protocol.ENTRY_CONTENT_SHIFT) & 0xff : null,
      mapcount: withCounts && present ? word(4) : null,
    });
  }
}
