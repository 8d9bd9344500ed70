import {
  type Arch,
  DIRTY,
  type EntryState,
  type EntryWords,
  type MigrationKind,
  SOFT_DIRTY,
  UFFD_WP,
  YOUNG,
} from '@vmakit/pagetable';

/** The marks that a migration entry keeps of the entry it stands for. */
export function migrationState(arch: Arch, words: EntryWords, at: number): EntryState {
  let state = 0;
  if (arch.migrationYoung(words, at)) state |= YOUNG;
  if (arch.migrationDirty(words, at)) state |= DIRTY;
  if (arch.isSoftDirty(words, at)) state |= SOFT_DIRTY;
  if (arch.isUffdWp(words, at)) state |= UFFD_WP;
  return state;
}

/** Gives a migration entry another form; frame and marks stay. */
export function makeMigrationReadable(arch: Arch, words: EntryWords, at: number, kind: MigrationKind): void {
  arch.setMigration(words, at, kind, arch.migrationPfn(words, at), migrationState(arch, words, at));
}
