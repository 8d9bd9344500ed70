import type { MremapEvent, PhaseEvent } from '@vmakit/events';

/** What must be open for an event to come, what it opens, and what it closes. */
interface EventRule {
  readonly inside: readonly string[];
  /** May also come inside this, as the innermost. */
  readonly orInside?: string;
  readonly opens?: string;
  readonly closes?: string;
}

const RULES: Readonly<Record<MremapEvent['type'], EventRule>> = {
  'mremap.begin': { inside: [], opens: 'call' },
  'mremap.end': { inside: ['call'], closes: 'call' },
  'mremap.checked': { inside: ['call'] },
  'mremap.in-place': { inside: ['call'] },
  'mremap.move-begin': { inside: ['call'], opens: 'move' },
  'mremap.move-end': { inside: ['call', 'move'], closes: 'move' },
  'mremap.eligibility': { inside: ['call', 'move'] },
  'mremap.scan': { inside: ['call', 'move'], orInside: 'relocation' },
  'mremap.copied': { inside: ['call', 'move'] },
  'mremap.lock': { inside: ['call', 'move'], orInside: 'relocation' },
  'mremap.tables': { inside: ['call', 'move'], orInside: 'relocation' },
  'mremap.rollback': { inside: ['call', 'move'] },
  'mremap.accounted': { inside: ['call', 'move'] },
  'relocation.begin': { inside: ['call', 'move'], opens: 'relocation' },
  'relocation.progress': { inside: ['call', 'move', 'relocation'] },
  'relocation.undo': { inside: ['call', 'move', 'relocation'] },
  'relocation.end': { inside: ['call', 'move', 'relocation'], closes: 'relocation' },
};

/**
 * What is wrong with the order of the events of calls of mremap: begin and end that do not pair, something outside of
 * what it belongs to, a lock given back that was not taken. Null when all is well.
 */
export function explainEventOrder(events: readonly PhaseEvent[]): string | null {
  const open: string[] = [];
  const locks = new Set<string>();
  for (const event of events) {
    const rule = (RULES as Readonly<Record<string, EventRule | undefined>>)[event.type];
    if (rule === undefined) continue;
    const { inside, orInside } = rule;
    const around = open.at(-1) === orInside ? open.slice(0, -1) : open;
    if (inside.join() !== around.join()) {
      return `${event.type} comes inside [${open.join(', ')}], not inside [${inside.join(', ')}]`;
    }
    if (rule.opens !== undefined) open.push(rule.opens);
    if (rule.closes !== undefined) open.pop();
    if (event.type !== 'mremap.lock') continue;
    const lock = `${event.lockClass} ${event.id}`;
    if (event.taken === locks.has(lock)) return `lock ${lock} is ${event.taken ? 'taken twice' : 'given back unheld'}`;
    if (event.taken) locks.add(lock);
    else locks.delete(lock);
  }
  if (open.length > 0) return `${open.join(', ')} never ended`;
  return locks.size > 0 ? `locks ${[...locks].join(', ')} were never given back` : null;
}
