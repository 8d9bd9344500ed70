/** What a replay counts while it runs. */
export class ReplayStatistics {
  events = 0;
  calls = 0;
  /** Completed calls by name. */
  readonly callsByName: Map<string, number> = new Map();
  /** Calls that the model does not run: no memory is concerned, or only files are. */
  skippedCalls = 0;
  faults = 0;
  writeFaults = 0;
  /** Faults at addresses where neither the program nor the model has memory. */
  faultsOutside = 0;
  /** Calls that failed for want of memory or mappings when recorded and did not on the model. */
  callsSaved = 0;
  /** Records of VMAs that are part of a larger one here: under a policy. */
  mergedFurther = 0;
  execs = 0;
  forks = 0;
  /** Events that the recorder lost. */
  lost = 0;
  /** Differences that the recording cannot tell, by name. */
  readonly unknowable: Map<string, number> = new Map();

  countCall(name: string): void {
    this.calls++;
    this.callsByName.set(name, (this.callsByName.get(name) ?? 0) + 1);
  }

  countUnknowable(name: string, count = 1): void {
    this.unknowable.set(name, (this.unknowable.get(name) ?? 0) + count);
  }
}

/** So many matched of so many that were compared. */
export interface CheckCount {
  matched: number;
  total: number;
}

/** A check of what came out against what was recorded: the counts of all, details of the first that differ. */
export class Check<Detail> implements CheckCount {
  matched = 0;
  total = 0;
  readonly details: Detail[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  match(): void {
    this.matched++;
    this.total++;
  }

  differ(detail: Detail): void {
    this.total++;
    if (this.details.length < this.#limit) this.details.push(detail);
  }

  /** How many differ. */
  get differing(): number {
    return this.total - this.matched;
  }
}
