import type { TableName } from './table-name.ts';

/** A sort order as it was when the server noted it down, and as the system has it now. */
export interface CollationState {
  /** Null: the one that the database uses where nothing else is said. */
  schema: string | null;
  name: string;
  /** Who brings it: `libc`, `icu`, `builtin`. */
  provider: string;
  recorded: string | null;
  actual: string | null;
  /** `unrecorded`: nothing to compare with. */
  state: 'ok' | 'differs' | 'unrecorded';
}

/** An index that may be in the wrong order. */
export interface SortedIndex extends TableName {
  table: TableName;
  bytes: number;
  /** Collations it follows; `default` is the database's own. */
  collations: string[];
}

export interface CollationReport {
  database: string;
  /** The database's own, and every other one that is used. */
  collations: CollationState[];
  /** Those that follow a collation which differs. */
  indexes: SortedIndex[];
  /** Tables whose partitions are bounded by such a collation. */
  partitioned: TableName[];
  /** What interrupted rebuilding has left behind. */
  leftovers: TableName[];
}

export interface CollationFix {
  database: string;
  rebuilt: SortedIndex[];
  /** Indexes that cannot be rebuilt: rows contradict each other, which the wrong order had hidden. */
  duplicates: { index: TableName; table: TableName; detail: string }[];
  /** Partitions with rows that belong into another one. */
  misplaced: { table: TableName; rows: number }[];
  /** Collations whose recorded version is the actual one again. */
  refreshed: string[];
  /** Those that differ still, because of what was found. */
  left: string[];
  /** Removed leftovers. */
  removed: TableName[];
}

/** For engines whose indexes follow sort orders of the system, which an update of it can change. */
export interface Collations {
  /** Databases of the server that take connections. */
  databases(signal: AbortSignal): Promise<string[]>;
  check(signal: AbortSignal): Promise<CollationReport>;
  /**
   * Rebuilds the indexes of collations that differ, without locking writers out where the server can, and only then notes the new
   * versions down. `everything`: also where nothing differs. Interrupted, nothing is noted down that was not rebuilt.
   */
  fix(
    options: { everything: boolean; onIndex: (index: SortedIndex) => void; onTable: (table: TableName) => void },
    signal: AbortSignal,
  ): Promise<CollationFix>;
}

/** A table of an application's own records, of which old ones can go. */
export interface AgedTable extends TableName {
  rows: number;
  /** Made before the moment that was asked for. */
  older: number;
  bytes: number;
}

export interface AgedRows {
  /** Those of `tables` that have the column, in the one schema that has all of `beside`; null when there is none or more than one. */
  find(
    what: { tables: readonly string[]; beside: readonly string[]; column: string; before: Date },
    signal: AbortSignal,
  ): Promise<AgedTable[] | null>;
  /** A few thousand at a time, each time for good, so that nobody else waits; what is free then can be used again. */
  remove(
    table: TableName,
    options: { column: string; before: Date; onRows: (rows: number) => void },
    signal: AbortSignal,
  ): Promise<number>;
}

export interface Partition extends TableName {
  /** The tables it is a part of, from the nearest on: emptying one of them empties it. */
  of: TableName[];
}

/** For engines whose dumps can leave something out (`dump.exclude`): what that is, before the database that still has it is replaced. */
export interface Exclusions {
  /** Tables of this database that its dumps leave out, and tables whose rows they leave out. */
  find(signal: AbortSignal): Promise<{ tables: TableName[]; rows: TableName[]; partitions?: Partition[] }>;
}
