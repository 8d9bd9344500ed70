import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE } from '@vmakit/folio';
import { DIRTY, type EntryWords, MigrationKind, SOFT_DIRTY, UFFD_WP, WRITABLE, YOUNG } from '@vmakit/pagetable';
import { addAnonRmapPmd, addAnonRmapPtes, removeRmapPmd, removeRmapPtes, tryShareAnonRmap } from '@vmakit/rmap';
import type { MmEnvironment } from '../environment.js';
import { type Mapping, mappingsOf } from './mapped-walk.js';
import { migrationState } from './migration-entry.js';
import { pageProtection } from './page-protection.js';
import { entryState } from './thp.js';

/**
 * Begins the migration of an anonymous folio: every entry that reverse mapping leads to becomes a migration entry. The
 * folio is locked and referenced until {@link finishMigration} (spec 03 section 8).
 *
 * @returns false when the folio cannot be migrated: it is locked, pinned, or not anonymous. Nothing has changed then.
 */
export function beginMigration(env: MmEnvironment, head: number): boolean {
  const { memory } = env;
  if ((memory.flags[head]! & PG_ANON) === 0 || !memory.trylock(head)) return false;
  env.lru.drain();
  memory.get(head);
  for (const mapping of mappingsOf(env, head)) toMigration(env, head, mapping);
  return true;
}

function toMigration(env: MmEnvironment, head: number, mapping: Mapping): void {
  const { arch, memory } = env;
  const { mm, words, at, level, index } = mapping;
  const page = head + index;
  const exclusive = (memory.flags[page]! & PG_EXCLUSIVE) !== 0;
  if (exclusive && !tryShareAnonRmap(memory, head, page)) return;
  const state = entryState(mm, words, at);
  if ((state & DIRTY) !== 0) memory.flags[head]! |= PG_DIRTY;
  arch.clear(words, at);
  arch.setMigration(words, at, kindFor(state, exclusive), page, state);
  if (level === 1) removeRmapPmd(memory, head, mm.id);
  else removeRmapPtes(memory, head, page, 1, mm.id);
  memory.put(head);
}

function kindFor(state: number, exclusive: boolean): MigrationKind {
  if ((state & WRITABLE) !== 0) return MigrationKind.Write;
  return exclusive ? MigrationKind.ReadExclusive : MigrationKind.Read;
}

/**
 * Ends a migration: every migration entry of the folio that reverse mapping, from its mapping and index of now, leads
 * to is present again. An entry that is not reached stays for ever.
 */
export function finishMigration(env: MmEnvironment, head: number): void {
  const { memory } = env;
  for (const mapping of mappingsOf(env, head, true)) fromMigration(env, head, mapping);
  memory.unlock(head);
  memory.put(head);
}

function fromMigration(env: MmEnvironment, head: number, mapping: Mapping): void {
  const { arch, memory } = env;
  const { mm, vma, words, at, level, index } = mapping;
  const page = head + index;
  const kind = arch.migrationKind(words, at);
  const state = presentState(env, words, at, kind, memory.flags[head]!);
  const exclusive = kind !== MigrationKind.Read;
  arch.clear(words, at);
  arch.setPage(words, at, level, page, pageProtection(env, vma), state);
  memory.get(head);
  if (level === 1) addAnonRmapPmd(memory, head, mm.id, exclusive);
  else addAnonRmapPtes(memory, head, page, 1, mm.id, exclusive);
  if (exclusive) memory.flags[page]! |= PG_EXCLUSIVE;
}

function presentState(
  env: MmEnvironment,
  words: EntryWords,
  at: number,
  kind: MigrationKind,
  folioFlags: number,
): number {
  const kept = migrationState(env.arch, words, at);
  let state = kept & (YOUNG | SOFT_DIRTY | UFFD_WP);
  if ((kept & DIRTY) !== 0 && (folioFlags & PG_DIRTY) !== 0) state |= DIRTY;
  if (kind === MigrationKind.Write) state |= WRITABLE;
  return state;
}
