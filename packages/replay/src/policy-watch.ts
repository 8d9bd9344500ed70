import type { KernelBus, PhaseEvent } from '@vmakit/events';

/** How often a policy said one thing about moves. */
export interface PolicyVerdict {
  readonly policy: string;
  readonly decision: 'take' | 'pass' | 'refuse';
  readonly reason: string;
  count: number;
}

/** What policies did in a replay. */
export interface PolicyActivity {
  /** Moves that were relocated for good, and that were begun and taken back. */
  readonly relocations: number;
  readonly undone: number;
  /** Folios of the relocations that stayed. */
  readonly foliosRewritten: number;
  /** Entries of page tables that were looked at for it, deciding and taking back included. */
  readonly entriesWalked: number;
  /** What was decided about moves and why, the most frequent first. */
  readonly verdicts: readonly PolicyVerdict[];
}

/** Numbers in a reason would make each move a reason of its own. */
const NUMBERS = /\d+/g;

/** Counts what policies do, from the events of the kernel alone. */
export class PolicyWatch {
  #relocations = 0;
  #undone = 0;
  #folios = 0;
  #entries = 0;
  readonly #verdicts = new Map<string, PolicyVerdict>();

  constructor(bus: KernelBus) {
    bus.listen((event) => this.#see(event));
  }

  /** What was counted so far. */
  read(): PolicyActivity {
    return {
      relocations: this.#relocations,
      undone: this.#undone,
      foliosRewritten: this.#folios,
      entriesWalked: this.#entries,
      verdicts: [...this.#verdicts.values()].sort((a, b) => b.count - a.count),
    };
  }

  #see(event: PhaseEvent): void {
    if (event.type === 'relocation.progress' || event.type === 'mremap.scan') {
      this.#entries += event.entries;
    } else if (event.type === 'relocation.end') {
      if (event.outcome === 'undone') this.#undone++;
      else {
        this.#relocations++;
        this.#folios += event.folios;
      }
    } else if (event.type === 'mremap.eligibility') {
      this.#count(event.policy, event.decision, event.reason);
    }
  }

  #count(policy: string, decision: PolicyVerdict['decision'], because: string): void {
    const reason = because.replace(NUMBERS, 'N');
    const key = `${policy} ${decision} ${reason}`;
    const known = this.#verdicts.get(key);
    if (known === undefined) this.#verdicts.set(key, { policy, decision, reason, count: 1 });
    else known.count++;
  }
}
