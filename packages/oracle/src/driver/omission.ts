import type { Operation } from '@vmakit/trace';
import type { Greeting } from './protocol.js';

/** Why an operation of a scenario is not performed on the live kernel, nor on the model beside it. */
export const OMISSION_RULES = {
  'relocation-flags': 'mremap with relocation flags: no released kernel has them',
  'failure-injection': 'injected failures need a patched kernel',
  'ksm-scan': 'the KSM scanner belongs to the whole machine',
  hugetlb: 'this machine has no hugetlb pages set aside',
  'read-pin': 'a pin for reading only cannot be made from user space',
  'no-pins': 'pins are made with io_uring, which this kernel does not allow',
  'pin-under-limit': 'what io_uring pins counts for the user, not for the process, once there is a limit to locking',
  'no-userfaultfd': 'this kernel does not allow userfaultfd',
  'uffd-events': 'events of a userfaultfd would stop the process until somebody read them',
  'no-mseal': 'this kernel does not have mseal',
  'page-out': 'there is no swap, so what a page-out does depends on what memory pressure there is',
  migration: 'pages cannot be held in migration from outside',
  'raw-address': 'the range may reach what the process itself lives in',
  'no-process': 'its process was never made, since the fork failed',
  'not-possible': 'the helper could not do it here (too many processes, files, pins, or mappings)',
} as const;

export type OmissionRule = keyof typeof OMISSION_RULES;

/** What decides about omissions beside the operation itself. */
export interface OmissionContext {
  readonly greeting: Pick<Greeting, 'pins' | 'userfaultfd' | 'mseal'>;
  /** Swap is on. */
  readonly swap: boolean;
  readonly hugetlbPages: number;
  /** Relocating moves are performed as plain moves instead of left out. */
  readonly plainMoves: boolean;
}

/** The rule by which an operation is left out, or null when it can be performed. */
export function omissionOf(operation: Operation, context: OmissionContext): OmissionRule | null {
  const { greeting } = context;
  switch (operation.op) {
    case 'mremap':
      return isRelocating(operation.flags) && !context.plainMoves ? 'relocation-flags' : null;
    case 'mmap':
      return operation.flags.includes('HUGETLB') && context.hugetlbPages === 0 ? 'hugetlb' : null;
    case 'munmap':
      return typeof operation.addr === 'object' && 'raw' in operation.addr ? 'raw-address' : null;
    case 'madvise':
      return operation.advice === 'PAGEOUT' && !context.swap ? 'page-out' : null;
    case 'failmove':
    case 'failreloc':
      return 'failure-injection';
    case 'ksmscan':
      return 'ksm-scan';
    case 'pin':
      if (!greeting.pins) return 'no-pins';
      return operation.write ? null : 'read-pin';
    case 'uffd':
      if (!greeting.userfaultfd) return 'no-userfaultfd';
      return operation.events ? 'uffd-events' : null;
    case 'uffdwp':
    case 'uffdpoison':
      return greeting.userfaultfd ? null : 'no-userfaultfd';
    case 'mseal':
      return greeting.mseal ? null : 'no-mseal';
    case 'words':
      return operation.migrate === null ? null : 'migration';
    default:
      return null;
  }
}

/** Whether the flags ask for relocation. */
export function isRelocating(flags: readonly string[]): boolean {
  return flags.includes('RELOCATE_ANON') || flags.includes('MUST_RELOCATE_ANON');
}
