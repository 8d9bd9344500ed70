import { type SysResult, VM_WRITE, refuse, withoutFlags } from '@vmakit/base';
import { PG_KSM } from '@vmakit/folio';
import { type Process, createKernel } from '@vmakit/kernel';
import {
  MADV_MERGEABLE,
  MADV_NORMAL,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  frameAt,
} from '@vmakit/mm';
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from '@vmakit/mremap';
import { describe, expect, it } from 'vitest';
import { type MremapCall, MremapContract } from './mremap-contract.js';

const PAGE = 4096;
const FROM = 0x10000;
const TO = 0x20000;

interface Moved {
  readonly process: Process;
  readonly contract: MremapContract;
  readonly result: SysResult;
}

/** Moves 8 written pages from FROM to TO. */
function move(changes: Partial<MremapCall> = {}, advice = MADV_NORMAL): Moved {
  const process = createKernel().spawn();
  process.mmap(FROM * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  process.madvise(FROM * PAGE, 8 * PAGE, advice);
  for (let i = 0; i < 8; i++) process.touch(FROM + i, 1, { value: i + 1 });
  const call = { start: FROM, oldPages: 8, newPages: 8, keepsSource: false, fixed: true, must: false, ...changes };
  const contract = new MremapContract(process.mm, call);
  const flags = MREMAP_MAYMOVE | MREMAP_FIXED | (call.keepsSource ? MREMAP_DONTUNMAP : 0);
  const result = process.mremap(FROM * PAGE, 8 * PAGE, 8 * PAGE, flags, TO * PAGE);
  return { process, contract, result };
}

/** What the contract says, each invariant once. */
function broken({ contract, result }: Moved): string[] {
  return [...new Set(contract.check(result).map(({ invariant }) => invariant))];
}

describe('the contract of mremap', () => {
  it('is kept by a move', () => {
    expect(broken(move())).toEqual([]);
    expect(broken(move({ keepsSource: true }))).toEqual([]);
  });

  it('S8.1: the destination lacks a flag of the source, or is not there', () => {
    const flagged = move();
    const vma = flagged.process.mm.tree.at(TO)!;
    vma.flags = withoutFlags(vma.flags, VM_WRITE);
    expect(broken(flagged)).toEqual(['S8.1']);
    const gone = move();
    expect(broken({ ...gone, result: TO + 0x1000 })).toContain('S8.1');
  });

  it('S8.2: a page with another content', () => {
    const moved = move();
    moved.process.touch(TO + 3, 1, { value: 99 });
    expect(broken(moved)).toEqual(['S8.2']);
  });

  it('S5.10: a page with the same content that is not the same', () => {
    const moved = move();
    const { env, pages } = moved.process.mm;
    const [words, table] = [pages.pool.words(pages.lookup(0, TO)), pages.lookup(0, TO)];
    const copy = env.memory.allocFolio(0);
    env.memory.content[copy] = 1;
    env.arch.clear(words, pages.entryAt(table, 0, TO));
    env.arch.setPage(words, pages.entryAt(table, 0, TO), 0, copy, PROT_READ, 0);
    expect(broken(moved)).toEqual(['S5.10']);
  });

  it('S4.11: a page that is still merged', () => {
    const moved = move({}, MADV_MERGEABLE);
    const { env } = moved.process.mm;
    env.memory.flags[frameAt(moved.process.mm, TO)]! |= PG_KSM;
    expect(broken(moved)).toEqual(['S4.11']);
  });

  it('S5.11: no flush', () => {
    const moved = move();
    const { tlb } = moved.process.mm.pages;
    tlb.pages = 0;
    tlb.single = 0;
    tlb.full = 0;
    expect(broken(moved)).toEqual(['S5.11']);
  });

  it('S5.7, S8.3: something is left at the source, or it is gone though it was to be kept', () => {
    const left = move();
    left.process.mmap(FROM * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
    left.process.touch(FROM, 1);
    expect(broken(left)).toEqual(['S5.7']);
    const gone = move({ keepsSource: true });
    gone.process.munmap(FROM * PAGE, PAGE);
    expect(broken(gone)).toEqual(['S8.3']);
  });

  it('S8.4: an error that mremap does not know', () => {
    expect(broken({ ...move(), result: refuse('ENODEV', 'none') })).toEqual(['S8.4']);
  });

  it('S8.5: something changed though the arguments were wrong', () => {
    const refused = { ...move(), result: refuse('EINVAL', 'spec 05.1') };
    refused.process.munmap(TO * PAGE, PAGE);
    expect(broken(refused)).toEqual(['S8.5']);
  });

  it('S8.6: MUST succeeded with an ordinary move', () => {
    expect(broken(move({ must: true }))).toEqual(['S8.6']);
  });
});
