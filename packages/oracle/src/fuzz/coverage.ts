import type { KernelBus, PhaseEvent } from '@vmakit/events';

type EventOf<Type extends PhaseEvent['type']> = Extract<PhaseEvent, { readonly type: Type }>;

/** What a campaign has been through, by how often: cases of the merge engine, and ways through mremap. */
export class Coverage {
  readonly merges: Map<string, number> = new Map();
  readonly paths: Map<string, number> = new Map();
  #path: string[] = [];

  /** Counts what the model behind `bus` does until the returned function is called. */
  watch(bus: KernelBus): () => void {
    return bus.listen((event) => this.#take(event));
  }

  #take(event: PhaseEvent): void {
    switch (event.type) {
      case 'vma.merge':
        count(this.merges, mergeCase(event));
        break;
      case 'mremap.begin':
        this.#path = event.flags.length === 0 ? [] : [event.flags.join('+').toLowerCase()];
        break;
      case 'mremap.checked':
        if (event.resize !== 'none') this.#note(event.resize);
        break;
      case 'mremap.in-place':
        this.#note('in place');
        break;
      case 'mremap.copied':
        this.#note(event.merged ? 'copied into a neighbour' : 'copied');
        break;
      case 'mremap.tables':
        this.#noteTables(event);
        break;
      case 'mremap.rollback':
        this.#note(`rollback of ${event.step}`);
        break;
      case 'mremap.end':
        count(this.paths, [...this.#path, event.rule ?? 'done'].join(', '));
        break;
      default:
        break;
    }
  }

  #noteTables(event: EventOf<'mremap.tables'>): void {
    if (event.puds > 0) this.#note('pud tables');
    if (event.pmds > 0) this.#note('pmd tables');
    if (event.hugePmds > 0) this.#note('huge entries');
    if (event.hugePmdsSplit > 0) this.#note('huge entries split');
    if (event.ptes > 0) this.#note('entries');
  }

  /** Each stage of a path once: a move of several mappings goes through them several times. */
  #note(stage: string): void {
    if (!this.#path.includes(stage)) this.#path.push(stage);
  }
}

function mergeCase(event: EventOf<'vma.merge'>): string {
  const side = (verdict: EventOf<'vma.merge'>['left']): string => {
    if (verdict === null) return 'no neighbour';
    return verdict === 'merged' ? 'merged' : verdict.rule;
  };
  return `${event.kind}: ${event.outcome} (left ${side(event.left)}, right ${side(event.right)})`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
