import type { Amount, Operation } from '@vmakit/trace';
import { amountToJson } from '@vmakit/trace';
import { RLIMIT_CODE } from '../driver/encode-operation.js';
import { isRelocating } from '../driver/omission.js';
import { C_PRELUDE, C_TAKE_THE_REST } from './c-prelude.js';

/** What the comment at the top of a program says. */
export interface ProgramTitle {
  /** Lines, without comment signs. */
  readonly lines: readonly string[];
}

/**
 * A stand-alone C program that performs the operations and prints the window's mappings after each: for somebody who
 * wants to see a difference without vmakit. Processes take turns by a shared counter of steps.
 */
export function toCProgram(operations: readonly Operation[], title: ProgramTitle): string {
  const processes = new Map<number, string[]>([[0, []]]);
  operations.forEach((operation, step) => {
    if (operation.op === 'fork') processes.set(operation.child, processes.get(operation.child) ?? []);
    const body = processes.get(operation.p) ?? [];
    processes.set(operation.p, body);
    const lines = operation.op === 'exit' ? [`leave(${step});`] : [...statement(operation), `done(${step});`];
    body.push(...[`turn(${step});`, ...lines].map((line) => `\t${line}`));
  });
  const numbers = [...processes.keys()].sort((a, b) => b - a);
  const functions = numbers.map((number) => processFunction(number, processes.get(number) ?? []));
  const choosesAddress = operations.some(kernelChooses);
  return [
    `/*\n${title.lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */`,
    C_PRELUDE,
    ...(choosesAddress ? [C_TAKE_THE_REST] : []),
    ...numbers.map((number) => `static void process_${number}(void);`),
    '',
    ...functions,
    mainFunction(operations, choosesAddress),
  ].join('\n');
}

/** Whether the result depends on what else is mapped. */
function kernelChooses(operation: Operation): boolean {
  if (operation.op === 'mmap')
    return !operation.flags.includes('FIXED') && !operation.flags.includes('FIXED_NOREPLACE');
  return operation.op === 'mremap' && !operation.flags.includes('FIXED') && operation.flags.includes('MAYMOVE');
}

function processFunction(number: number, body: readonly string[]): string {
  return [`static void process_${number}(void)`, '{', `\tme = ${number};`, ...body, '}', ''].join('\n');
}

function mainFunction(operations: readonly Operation[], choosesAddress: boolean): string {
  return [
    'int main(void)',
    '{',
    '\tsetvbuf(stdout, NULL, _IONBF, 0);',
    '\tstep = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);',
    ...files(operations),
    ...(choosesAddress ? ['\ttake_the_rest();'] : []),
    '\tprocess_0();',
    '\twhile (wait(NULL) > 0)',
    '\t\t;',
    '\treturn 0;',
    '}',
    '',
  ].join('\n');
}

/** Files are made before anything else, so that every process has them. */
function files(operations: readonly Operation[]): string[] {
  const lines: string[] = [];
  for (const operation of operations) {
    if (operation.op !== 'memfd') continue;
    lines.push(`\tfile[${operation.fd}] = memfd_create("file${operation.fd}", 0);`);
    lines.push(`\tif (ftruncate(file[${operation.fd}], ${length(operation.len)}))`, '\t\tperror("ftruncate");');
  }
  return lines;
}

/** An address as a C expression. */
function address(amount: Amount | null): string {
  if (amount === null) return '0';
  if (typeof amount === 'number') return `A + ${amount} * P`;
  return 'bytes' in amount ? `A + ${amount.bytes}` : `${amountToJson(amount)}UL`;
}

function length(amount: Amount): string {
  if (typeof amount === 'number') return `${amount} * P`;
  return 'bytes' in amount ? `${amount.bytes}UL` : `${amountToJson(amount)}UL`;
}

function protection(text: string): string {
  const parts = [text[0] === 'r' && 'PROT_READ', text[1] === 'w' && 'PROT_WRITE', text[2] === 'x' && 'PROT_EXEC'];
  return parts.filter(Boolean).join(' | ') || 'PROT_NONE';
}

function flagNames(prefix: string, names: readonly string[]): string {
  return names.map((name) => prefix + name).join(' | ') || '0';
}

const MREMAP_NUMBERS: Readonly<Record<string, string>> = {
  RELOCATE_ANON: '8',
  MUST_RELOCATE_ANON: '16',
  UNKNOWN_32: '32',
};

function mremapFlags(names: readonly string[]): string {
  return names.map((name) => MREMAP_NUMBERS[name] ?? `MREMAP_${name}`).join(' | ') || '0';
}

function call(text: string): string[] {
  return [`CALL(${text});`];
}

function statement(operation: Operation): string[] {
  switch (operation.op) {
    case 'mmap': {
      const { addr, len, prot, flags, fd, off } = operation;
      const file = fd === null ? '-1' : `file[${fd}]`;
      const where = `${address(addr)}, ${length(len)}`;
      return call(`SYS_mmap, ${where}, ${protection(prot)}, ${flagNames('MAP_', flags)}, ${file}, ${length(off)}`);
    }
    case 'mremap': {
      const { addr, oldLen, newLen, flags, newAddr } = operation;
      const comment = isRelocating(flags) ? ' /* relocation flags: a patched kernel only */' : '';
      const lengths = `${length(oldLen)}, ${length(newLen)}`;
      const line = `SYS_mremap, ${address(addr)}, ${lengths}, ${mremapFlags(flags)}, ${address(newAddr)}`;
      return call(line).map((text) => text + comment);
    }
    case 'munmap':
    case 'munlock':
      return call(`SYS_${operation.op}, ${address(operation.addr)}, ${length(operation.len)}`);
    case 'mprotect':
      return call(`SYS_mprotect, ${address(operation.addr)}, ${length(operation.len)}, ${protection(operation.prot)}`);
    case 'madvise':
      return call(`SYS_madvise, ${address(operation.addr)}, ${length(operation.len)}, ${adviceText(operation.advice)}`);
    case 'mlock':
      return call(`SYS_mlock2, ${address(operation.addr)}, ${length(operation.len)}, ${operation.onfault ? 1 : 0}`);
    case 'mseal':
      return call(`462, ${address(operation.addr)}, ${length(operation.len)}, 0`);
    case 'touch': {
      const { addr, len, write, stride, value } = operation;
      return [`touch(${address(addr)}, ${length(len)}, ${stride}, ${write ? 1 : 0}, ${value});`];
    }
    case 'fork':
      return [`if (!fork()) {`, `\tprocess_${operation.child}();`, `\t_exit(0);`, `}`];
    case 'exit':
      return [];
    case 'rlimit':
      return [`limit(${RLIMIT_CODE[operation.what]}, ${operation.pages});`];
    case 'uffd':
      return [`userfault(${address(operation.addr)}, ${length(operation.len)}, ${operation.mode === 'wp' ? 2 : 1});`];
    case 'pin':
      return [`pin(${address(operation.addr)}, ${length(operation.len)});`];
    case 'unpin':
      return ['unpin();'];
    case 'clearrefs':
      return ['clear_soft_dirty();'];
    case 'memfd':
      return [`/* file ${operation.fd}: see main */`];
    case 'uffdwp':
    case 'uffdpoison':
    case 'maplimit':
    case 'ksmscan':
    case 'failmove':
    case 'failreloc':
    case 'words':
      return [`/* ${operation.op}: has no short form in C */`];
  }
}

/** glibc lags behind the kernel: the newest advice by number. */
function adviceText(name: string): string {
  const numbers: Readonly<Record<string, string>> = {
    GUARD_INSTALL: '102 /* MADV_GUARD_INSTALL */',
    GUARD_REMOVE: '103 /* MADV_GUARD_REMOVE */',
    POPULATE_READ: '22 /* MADV_POPULATE_READ */',
    POPULATE_WRITE: '23 /* MADV_POPULATE_WRITE */',
    DONTNEED_LOCKED: '24 /* MADV_DONTNEED_LOCKED */',
    COLLAPSE: '25 /* MADV_COLLAPSE */',
  };
  return numbers[name] ?? `MADV_${name}`;
}
