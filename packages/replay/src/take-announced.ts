import type { RecordedEvent } from '@vmakit/trace';
import { MOST_ANTICIPATED } from '@vmakit/vma-merge';
import type { ProcessTable } from './process-table.js';

/** Taken over by whom it is handed to before the next group. */
const pages = new Float64Array(MOST_ANTICIPATED);

/**
 * Calls `take` for each event. A recording says what comes next, so a process with very many VMAs is told of the pages
 * of its next calls and faults, and need not wait for memory with each of them (`VmaTree.anticipate`).
 */
export function takeAnnounced(
  events: readonly RecordedEvent[],
  processes: ProcessTable,
  take: (event: RecordedEvent) => void,
): void {
  for (let from = 0; from < events.length; from += MOST_ANTICIPATED) {
    const end = Math.min(events.length, from + MOST_ANTICIPATED);
    announce(events, from, end, processes);
    for (let at = from; at < end; at++) take(events[at] as RecordedEvent);
  }
}

/** Announces what the process of the first event from `from` on does up to `end`. */
function announce(events: readonly RecordedEvent[], from: number, end: number, processes: ProcessTable): void {
  const { pid } = events[from] as RecordedEvent;
  const mm = processes.get(pid)?.process.mm;
  if (mm === undefined || !mm.tree.isVast) return;
  const { pageSize } = mm.env.arch;
  let count = 0;
  for (let at = from; at < end; at++) {
    const event = events[at] as RecordedEvent;
    const address = event.pid === pid ? addressOf(event) : null;
    if (address !== null) pages[count++] = Math.floor(address / pageSize);
  }
  mm.tree.anticipate(pages, count);
}

/** The byte address that an event is about; null: none that the recording says. */
function addressOf(event: RecordedEvent): number | null {
  if (event.kind === 'page-fault') return event.address;
  if (event.kind !== 'syscall') return null;
  const { args } = event;
  if ('address' in args) return args.address;
  return 'oldAddress' in args ? args.oldAddress : null;
}
