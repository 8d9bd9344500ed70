/** A page fault was handled. */
export interface FaultEvent {
  readonly type: 'fault.end';
  readonly process: number;
  readonly page: number;
  readonly write: boolean;
  /** What the fault ended with. */
  readonly outcome: string;
}
