import { brokenReferences, integrity } from './checks.ts';
import { lock, open } from './connection.ts';
import { count } from './counts.ts';
import { exchange } from './exchange.ts';
import { dependents } from './dependents.ts';
import { facts } from './facts.ts';
import { copy, freeze, hold, isFrozen } from './freeze.ts';
import { select } from './questions.ts';
import { replaceAll } from './replace-all.ts';
import { replaceTables } from './replace.ts';
import { filledTables, schemaEntries, tablesWithRows } from './tables.ts';

/** What the process can be asked for, one after the other. */
export const operations = {
  open,
  lock,
  facts,
  freeze,
  hold,
  copy,
  isFrozen,
  count,
  integrity,
  brokenReferences,
  select,
  filledTables,
  schemaEntries,
  dependents,
  tablesWithRows,
  exchange,
  replaceAll,
  replaceTables,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;

export interface Question {
  name: OperationName;
  args: unknown;
}

export type Answer = { value: unknown } | { fault: Fault };

/** What went wrong, as far as it can be told in text. */
export interface Fault {
  message: string;
  /** SQLite's own (extended) code, or null. */
  sqlite: number | null;
  /** The system's own code, such as `ENOENT`, or null. */
  system: string | null;
}
