/**
 * The small integers that describe one entry of a page table, whatever the architecture.
 *
 * They are plain numbers because they go through the hottest functions of the model.
 */

/** What one entry is. Every word is exactly one of these. Spec 04 sections 4 and 5. */
export const EntryKind = {
  /** Nothing: the entry was never used, or was cleared. */
  None: 0,
  /** Leads to a table of the level below. */
  Table: 1,
  /** Maps a page, or a huge page above the lowest level. Includes the no-access (PROT_NONE) form. */
  Page: 2,
  /** The page is in a swap slot. */
  Swap: 3,
  /** The page is being migrated. */
  Migration: 4,
  /** A marker: guard, poisoned, or write-protected by userfaultfd without a page. */
  Marker: 5,
  /** The page was lost to a hardware memory error. */
  HardwarePoison: 6,
  /** Device memory: private to a device, or a page a device holds exclusively. */
  Device: 7,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** Page protection: may be read. */
export const PROT_READ = 1;
/** Page protection: may be written by a shared mapping (a private one becomes writable by its faults only). */
export const PROT_WRITE = 2;
/** Page protection: may be executed. */
export const PROT_EXEC = 4;
/** Page protection: of a shared mapping whose stores need no notification, so that `PROT_WRITE` is given at once. */
export const PROT_SHARED = 8;
/** Where the protection key starts in a page protection. */
export const PROT_KEY_SHIFT = 4;

/**
 * A page protection: `PROT_READ`, `PROT_WRITE`, `PROT_EXEC`, `PROT_SHARED`, and the protection key from bit 4 on.
 * It stands for `vm_page_prot`: what a VMA gives to a new entry before any fault makes it writable.
 */
export type PageProtection = number;

/** State of an entry: the processor may store through it. */
export const WRITABLE = 1;
/** State of an entry: accessed. */
export const YOUNG = 2;
/** State of an entry: modified. */
export const DIRTY = 4;
/** State of an entry: modified since soft-dirty marks were last cleared (x86-64 only). */
export const SOFT_DIRTY = 8;
/** State of an entry: write-protected by userfaultfd. */
export const UFFD_WP = 16;
/** State of an entry: the page is not counted (zero pages). */
export const SPECIAL = 32;
/** State of a swap entry: the page belongs to this process alone. */
export const EXCLUSIVE = 64;

/** A set of `WRITABLE`, `YOUNG`, `DIRTY`, `SOFT_DIRTY`, `UFFD_WP`, `SPECIAL` and `EXCLUSIVE`. */
export type EntryState = number;

/** The three forms of a migration entry. Spec 04 section 4. */
export const MigrationKind = {
  /** The page was read-only, and may be shared. */
  Read: 0,
  /** The page was read-only, and exclusive. */
  ReadExclusive: 1,
  /** The page was writable. */
  Write: 2,
} as const;
export type MigrationKind = (typeof MigrationKind)[keyof typeof MigrationKind];

/** Marker bit: write-protected by userfaultfd, no page behind it. */
export const MARKER_UFFD_WP = 1;
/** Marker bit: an access gives SIGBUS. */
export const MARKER_POISONED = 2;
/** Marker bit: an access gives SIGSEGV. */
export const MARKER_GUARD = 4;
