import type { MmError, SysResult } from '@vmakit/base';
import { type MremapCall, MremapContract, type Violation } from '@vmakit/check';
import {
  FAULT_OOM,
  FAULT_POISONED,
  FAULT_SIGBUS,
  FAULT_USERFAULT,
  MLOCK_ONFAULT,
  PROT_NONE,
  registerUserfaultBytes,
  userfaultPoison,
  userfaultProtect,
} from '@vmakit/mm';
import type {
  MmapOperation,
  MremapOperation,
  Operation,
  Outcome,
  ReturnValue,
  RlimitOperation,
  TouchOperation,
  RelocationTrace,
  UffdOperation,
  WordRow,
  WordsOperation,
} from '@vmakit/trace';
import { adviceNumber, mapFlags, mremapFlags, protectionBits } from './abi-flags.js';
import type { Arena } from './addresses.js';
import { captureWords } from './capture-words.js';
import { type ScenarioMachine, isRefusal } from './machine.js';

/** What came of an operation on the model: the outcome as a recording has it, and why it was refused. */
export interface Performed {
  readonly outcome: Outcome;
  readonly refusal: MmError | null;
  /** What an mremap did not keep of its contract; only when that was asked for. */
  readonly violations: readonly Violation[];
}

/** What an operation gives, before it is written down. */
interface Given {
  readonly violations: readonly Violation[];
  readonly ret: ReturnValue | null;
  readonly err: string | null;
  readonly at: number | null;
  readonly words: readonly WordRow[] | null;
  readonly refusal: MmError | null;
}

const SUCCESS: Given = { ret: 0, err: null, at: null, words: null, refusal: null, violations: [] };

/**
 * Does one operation of a scenario on the model.
 *
 * @param check whether to check the contract of mremap (spec 09, S8)
 */
export function perform(machine: ScenarioMachine, operation: Operation, check = false): Performed {
  const { counters } = machine.kernel.policies;
  counters.reset();
  const struck = machine.injector.struck;
  const { refusal, violations, ...given } = dispatch(machine, operation, check);
  const injected = machine.injector.struck - struck;
  const trace: RelocationTrace = injected === 0 ? counters.read() : { ...counters.read(), injected };
  return { outcome: { ...given, trace }, refusal, violations };
}

function dispatch(machine: ScenarioMachine, operation: Operation, check: boolean): Given {
  const { arena } = machine;
  const process = machine.process(operation.p);
  switch (operation.op) {
    case 'mmap':
      return addressed(machine, mapMemory(machine, operation));
    case 'munmap':
      return plain(process.munmap(arena.address(operation.addr), arena.length(operation.len)));
    case 'mremap':
      return remap(machine, operation, check);
    case 'mprotect': {
      const { addr, len, prot } = operation;
      return plain(process.mprotect(arena.address(addr), arena.length(len), protectionBits(prot)));
    }
    case 'madvise':
      return plain(
        process.madvise(arena.address(operation.addr), arena.length(operation.len), adviceNumber(operation.advice)),
      );
    case 'mlock': {
      const flags = operation.onfault ? MLOCK_ONFAULT : 0;
      return plain(process.mlock(arena.address(operation.addr), arena.length(operation.len), flags));
    }
    case 'munlock':
      return plain(process.munlock(arena.address(operation.addr), arena.length(operation.len)));
    case 'mseal':
      return plain(process.mseal(arena.address(operation.addr), arena.length(operation.len)));
    case 'touch':
      return touchMemory(machine, operation);
    case 'pin':
      return plain(process.pin(arena.address(operation.addr), arena.length(operation.len), operation.write));
    case 'words':
      return look(machine, operation);
    case 'uffd':
      return plain(watch(machine, operation));
    case 'uffdwp':
    case 'uffdpoison': {
      const start = arena.page(operation.addr);
      const end = start + arena.pages(operation.len);
      const { mm } = process;
      const refused =
        operation.op === 'uffdwp'
          ? userfaultProtect(mm, start, end, operation.protect)
          : userfaultPoison(mm, start, end);
      return plain(refused ?? 0);
    }
    default:
      return dispatchRest(machine, operation);
  }
}

type RangeOperationName =
  | 'mmap'
  | 'munmap'
  | 'mremap'
  | 'mprotect'
  | 'madvise'
  | 'mlock'
  | 'munlock'
  | 'mseal'
  | 'touch'
  | 'pin'
  | 'words'
  | 'uffd'
  | 'uffdwp'
  | 'uffdpoison';

/** Operations on a process as a whole, and on the machine. */
function dispatchRest(
  machine: ScenarioMachine,
  operation: Exclude<Operation, { readonly op: RangeOperationName }>,
): Given {
  const process = machine.process(operation.p);
  switch (operation.op) {
    case 'fork': {
      const child = process.fork();
      if (isRefusal(child)) return plain(child);
      machine.adopt(operation.child, child);
      return { ...SUCCESS, ret: operation.child };
    }
    case 'exit':
      process.exit();
      machine.processes.delete(operation.p);
      return SUCCESS;
    case 'memfd': {
      const sizePages = machine.arena.pages(operation.len);
      const file = machine.kernel.createFile({ kind: 'memfd', sizePages, name: `/memfd:${operation.fd}` });
      machine.files.set(operation.fd, file);
      return SUCCESS;
    }
    case 'unpin':
      process.unpin();
      return SUCCESS;
    case 'rlimit':
      setLimit(machine, operation);
      return SUCCESS;
    case 'maplimit':
      machine.kernel.env.settings.maxMapCount = operation.vmas + machine.mappingsOutside;
      return SUCCESS;
    case 'clearrefs':
      process.clearSoftDirty();
      return SUCCESS;
    case 'ksmscan':
      machine.kernel.scanForSamePages();
      return SUCCESS;
    case 'failmove':
      machine.armed().arm('move-step', operation.n);
      return SUCCESS;
    case 'failreloc':
      machine.armed().arm('relocate-entry', operation.n);
      return SUCCESS;
  }
}

function plain(result: SysResult): Given {
  if (isRefusal(result)) return { ...SUCCESS, ret: null, err: result.errno, refusal: result };
  return result === 0 ? SUCCESS : { ...SUCCESS, ret: result };
}

/** Of a call that gives an address: a page of the model. */
function addressed(machine: ScenarioMachine, result: SysResult): Given {
  return isRefusal(result) ? plain(result) : { ...SUCCESS, ret: machine.arena.fromPage(result) };
}

function remap(machine: ScenarioMachine, operation: MremapOperation, check: boolean): Given {
  const { arena } = machine;
  const { addr, oldLen, newLen, flags, newAddr, p } = operation;
  const process = machine.process(p);
  const contract = check ? new MremapContract(process.mm, contractOf(arena, operation)) : null;
  const target = newAddr === null ? 0 : arena.address(newAddr);
  const result = process.mremap(
    arena.address(addr),
    arena.length(oldLen),
    arena.length(newLen),
    mremapFlags(flags),
    target,
  );
  const violations = contract?.check(result, `mremap by process ${p}`) ?? [];
  return { ...addressed(machine, result), violations };
}

function contractOf(arena: Arena, operation: MremapOperation): MremapCall {
  const { addr, oldLen, newLen, flags } = operation;
  return {
    start: arena.page(addr),
    oldPages: arena.pages(oldLen),
    newPages: arena.pages(newLen),
    keepsSource: flags.includes('DONTUNMAP'),
    fixed: flags.includes('FIXED'),
    must: flags.includes('MUST_RELOCATE_ANON'),
  };
}

function mapMemory(machine: ScenarioMachine, operation: MmapOperation): SysResult {
  const { arena, files } = machine;
  const { addr, len, prot, flags, fd, off } = operation;
  const file = fd === null ? undefined : files.get(fd);
  const mapping = file === undefined ? null : { file, offset: arena.length(off) };
  const address = addr === null ? 0 : arena.address(addr);
  const bits = prot === '---' ? PROT_NONE : protectionBits(prot);
  return machine.process(operation.p).mmap(address, arena.length(len), bits, mapFlags(flags), mapping);
}

function touchMemory(machine: ScenarioMachine, operation: TouchOperation): Given {
  const { addr, len, stride, write, value, p } = operation;
  const { arena } = machine;
  const { result, page } = machine.process(p).touch(arena.page(addr), arena.pages(len), { stride, write, value });
  if (page < 0) return SUCCESS;
  // Nobody answers the userfaultfd of a scenario: it asks for a signal instead (UFFD_FEATURE_SIGBUS).
  return { ...SUCCESS, ret: null, err: signalOf(result), at: page - arena.start };
}

const SIGBUS_RESULTS: ReadonlySet<number> = new Set([FAULT_SIGBUS, FAULT_USERFAULT, FAULT_POISONED]);

/** What a program gets for an access that fails. Without memory it would be killed: that has the name of the error. */
function signalOf(result: number): string {
  if (result === FAULT_OOM) return 'ENOMEM';
  return SIGBUS_RESULTS.has(result) ? 'SIGBUS' : 'SIGSEGV';
}

function setLimit(machine: ScenarioMachine, operation: RlimitOperation): void {
  const { limits } = machine.process(operation.p).mm;
  if (operation.what === 'AS') limits.addressSpace = operation.pages + machine.pagesOutside;
  // The process had data of its own, so that its limit is not 0, which would mean that the hard one counts.
  else if (operation.what === 'DATA') limits.data = limits.dataHard = operation.pages;
  else limits.lockedMemory = operation.pages;
}

/** UFFD_FEATURE_WP_UNPOPULATED: absent pages of anonymous memory are protected too. */
const FEATURE_WP_UNPOPULATED = 1 << 13;

/** Opens a userfaultfd for the process if it has none, and registers the range. */
function watch(machine: ScenarioMachine, operation: UffdOperation): SysResult {
  const { mm } = machine.process(operation.p);
  const { events, features, mode } = operation;
  mm.uffd ??= {
    id: machine.kernel.env.nextUserfaultId++,
    remapEvents: events,
    forkEvents: events,
    protectsAbsent: (features & FEATURE_WP_UNPOPULATED) !== 0,
  };
  const { arena } = machine;
  return registerUserfaultBytes(mm, arena.address(operation.addr), arena.length(operation.len), mm.uffd, [mode]);
}

function look(machine: ScenarioMachine, operation: WordsOperation): Given {
  const { arena } = machine;
  const { mm } = machine.process(operation.p);
  const start = arena.page(operation.addr);
  const end = start + arena.pages(operation.len);
  const migrate = operation.migrate === null ? null : arena.start + operation.migrate;
  return { ...SUCCESS, words: captureWords(mm, start, end, arena.start, migrate) };
}
