import {
  dropStatement,
  type Characters,
  type CodeObject,
  type ColumnDefault,
  type DatabaseObjects,
} from '../look/objects.ts';
import { statusOf, withStatus } from '../read/event-status.ts';
import { fateOf, isRoutine, sameRoutine } from '../look/routine-fates.ts';
import { grantSettings, grantStatement, type RoutineGrant } from '../look/routine-grants.ts';
import { tie, untie } from '../look/loose-keys.ts';
import { asleepStatements, asleepTable, journalTable, writeSwapping } from '../look/mark.ts';
import { otherDatabase, quoteIdent, quoteIn, quoteLiteral } from '../connect/names.ts';

export interface SwapNames {
  live: string;
  replacement: string;
  /** Null when there is nothing to replace yet. */
  previous: string | null;
}

/** One statement of a swap, and what takes it back. */
export interface Step {
  /** From 1 on. */
  position: number;
  /** The database the session enters for both. */
  database: string | null;
  settings: string | null;
  statement: string;
  undo: string | null;
  /** For the making of a database: its name. */
  creates: string | null;
  /** For the one renaming: what moves, in this order. */
  moves: readonly Move[] | null;
}

export interface Move {
  name: string;
  from: string;
  to: string;
}

export interface SwapFacts extends SwapNames {
  /** Null: the live database does not exist. */
  old: DatabaseObjects | null;
  fresh: DatabaseObjects;
  /** Who may call single routines of the live database that are dropped. */
  grants: readonly RoutineGrant[];
  /** The server exchanges a routine by one statement. */
  replaces: boolean;
}

/**
 * Tables change their database by one statement; everything else is taken away before and made again after it. Each step can be
 * taken back, so that whatever fails, the live database is as it was.
 */
export function planSwap({ live, replacement, previous, old, fresh, grants, replaces }: SwapFacts): Step[] {
  const steps: Step[] = [];
  const step = (statement: string, undo: string | null, more: Partial<Step> = {}) =>
    steps.push({
      position: steps.length + 1,
      database: null,
      settings: null,
      creates: null,
      moves: null,
      statement,
      undo,
      ...more,
    });
  const say = () => step(sayStatement({ live, replacement, previous }), silenceStatement(live));
  if (old) say();
  const made = previous ?? (old ? null : live);
  if (made !== null)
    step(`CREATE DATABASE ${quoteIdent(made)}${charactersOf(old ?? fresh)}`, `DROP DATABASE ${quoteIdent(made)}`, {
      creates: made,
    });
  if (!old) say();
  const moved = (object: CodeObject) => object.kind === 'TRIGGER' || object.kind === 'EVENT';
  const collations = new Map([
    [live, (old ?? fresh).characters.collation],
    [replacement, fresh.characters.collation],
    ...(previous !== null && old ? [[previous, old.characters.collation] as const] : []),
  ]);
  // What is made takes it from its database for good; and so does what is made again to take a step back.
  const under = (collation: string | null, database: string) => {
    const before = collations.get(database) ?? null;
    if (collation === null || before === null || collation === before) return;
    collations.set(database, collation);
    step(collateStatement(database, collation), collateStatement(database, before));
  };
  const takeAway = (object: CodeObject, database: string) => {
    under(object.collation, database);
    step(dropStatement(object, database), object.create, { database, settings: object.settings });
  };
  // Events first: none shall begin meanwhile.
  for (const each of [...(old?.code ?? [])].filter(({ kind }) => kind === 'EVENT')) takeAway(each, live);
  for (const each of fresh.code.filter(({ kind }) => kind === 'TRIGGER')) takeAway(each, replacement);
  // The reverse of the order they are made in.
  const others = (old?.code ?? []).filter((each) => !moved(each)).toReversed();
  for (const each of others.filter(({ kind }) => kind === 'VIEW')) takeAway(each, live);
  for (const each of (old?.code ?? []).filter(({ kind }) => kind === 'TRIGGER').toReversed()) takeAway(each, live);
  const moves = movesOf({ live, replacement, previous, old, fresh });
  // Taken back only when the sequences are back in their place: the server wants to find them.
  const counting = [...Map.groupBy(fresh.defaults, ({ table }) => table)];
  for (const [table, columns] of counting)
    step('DO 0', defaultsStatement(replacement, table, columns, replacement), { settings: withHistory });
  const altering = { settings: replaces ? withHistory : null };
  for (const key of old?.loose ?? []) step(untie(live, key), tie(live, key), altering);
  for (const key of fresh.loose) step(untie(replacement, key), tie(replacement, key), altering);
  if (moves.length > 0) step(renameStatement(moves), renameStatement(moves.toReversed().map(backwards)), { moves });
  for (const [table, columns] of counting)
    step(defaultsStatement(live, table, columns, replacement), null, { settings: withHistory });
  for (const key of fresh.loose) step(tie(live, key), untie(live, key), altering);
  for (const key of old?.loose ?? []) if (previous !== null) step(tie(previous, key), untie(previous, key), altering);
  const grantsOf = (routine: CodeObject) => grants.filter((grant) => sameRoutine(grant, routine));
  const fate = (routine: CodeObject) => fateOf(routine, old?.code ?? [], fresh.code, replaces);
  for (const each of others.filter(isRoutine)) {
    if (fate(each) === 'stays') continue;
    if (fate(each) === 'replaced') {
      under(each.collation, live);
      step('DO 0', orReplace(each.create), { database: live, settings: each.settings });
      continue;
    }
    // Granted again once it has been made again.
    for (const grant of grantsOf(each)) step('DO 0', grantStatement(grant, live), { settings: grantSettings(grant) });
    takeAway(each, live);
  }
  const make = (object: CodeObject, database: string, create: string) => {
    under(object.collation, database);
    step(create, dropStatement(object, database), { database, settings: object.settings });
  };
  for (const each of fresh.code) {
    const former = isRoutine(each) ? others.find((other) => sameRoutine(other, each)) : undefined;
    const become = former && fate(former);
    if (become === 'stays') continue;
    if (become === 'replaced') {
      under(each.collation, live);
      step(orReplace(each.create), null, { database: live, settings: each.settings });
      continue;
    }
    make(each, live, running(inDatabase(each, replacement, live), fresh.asleep));
    for (const grant of grantsOf(each)) step(grantStatement(grant, live), null, { settings: grantSettings(grant) });
  }
  under(fresh.characters.collation, live);
  if (previous === null) return steps;
  for (const each of old?.code ?? []) make(each, previous, stopped(inDatabase(each, live, previous)));
  if (old) under(old.characters.collation, previous);
  const [created, filled] = asleepStatements(previous, asleepAmong(old?.code ?? []));
  if (created !== undefined) step(created, `DROP TABLE IF EXISTS ${quoteIn(previous, asleepTable)}`);
  if (filled !== undefined) step(filled, null);
  return steps;
}

function charactersOf({ characters: { encoding, collation } }: { characters: Characters }): string {
  return ` CHARACTER SET ${encoding} COLLATE ${collation}`;
}

/** Its character set goes with it. */
function collateStatement(database: string, collation: string): string {
  return `ALTER DATABASE ${quoteIdent(database)} COLLATE ${collation}`;
}

/** Keeps the rights to what is replaced, which dropping it does not. */
function orReplace(create: string): string {
  return create.replace(/^CREATE /, 'CREATE OR REPLACE ');
}

/** In the live database: whoever saves or replaces it must see that it is being exchanged. */
function sayStatement({ live, replacement, previous }: SwapNames): string {
  const comment = quoteLiteral(writeSwapping({ replacement, previous }));
  return `CREATE TABLE ${quoteIn(live, journalTable)} (note INT PRIMARY KEY) DEFAULT CHARSET=utf8mb4 COMMENT=${comment}`;
}

export function silenceStatement(live: string): string {
  return `DROP TABLE IF EXISTS ${quoteIn(live, journalTable)}`;
}

export function renameStatement(moves: readonly Move[]): string {
  const parts = moves.map(({ name, from, to }) => `${quoteIn(from, name)} TO ${quoteIn(to, name)}`);
  return `RENAME TABLE ${parts.join(', ')}`;
}

export function backwards({ name, from, to }: Move): Move {
  return { name, from: to, to: from };
}

function movesOf({ live, replacement, previous, old, fresh }: Omit<SwapFacts, 'grants' | 'replaces'>): Move[] {
  const away = previous === null ? [] : (old?.tables ?? []).map((name) => ({ name, from: live, to: previous }));
  return [...away, ...fresh.tables.map((name) => ({ name, from: replacement, to: live }))];
}

/** A table of MariaDB that keeps the history of its rows is changed only when that is said to be meant. */
const withHistory = "SET SESSION system_versioning_alter_history = 'KEEP'";

/** All of a table at once: it cannot be changed while one of them names a sequence that is not there. */
function defaultsStatement(database: string, table: string, columns: readonly ColumnDefault[], former: string): string {
  const changes = columns.map(({ column, expression }) => {
    return `ALTER COLUMN ${quoteIdent(column)} SET DEFAULT (${otherDatabase(expression, former, database)})`;
  });
  return `ALTER TABLE ${quoteIn(database, table)} ${changes.join(', ')}`;
}

/** Views are kept with the names of the tables' database wherever the server finds that necessary. */
function inDatabase(object: CodeObject, from: string, to: string): CodeObject {
  if (object.kind === 'VIEW') return { ...object, create: otherDatabase(object.create, from, to) };
  // Libraries always, and without them there is no such routine.
  const create = object.create.replace(usedLibraries, (_whole, before: string, names: string, after: string) => {
    return before + names.replaceAll(`${quoteIdent(from)}.`, () => `${quoteIdent(to)}.`) + after;
  });
  return { ...object, create };
}

/** As MySQL shows it, before the text. */
const usedLibraries = /(\n +LANGUAGE JAVASCRIPT\n(?: +COMMENT .*\n)? +USING \()([^$]*)(\)\nAS \$)/;

/** What was loaded switched off, or was switched off when its database went away, runs again. */
function running({ kind, name, create }: CodeObject, asleep: ReadonlySet<string>): string {
  return kind === 'EVENT' && statusOf(create) === 'asleep' && !asleep.has(name)
    ? withStatus(create, 'enabled')
    : create;
}

function stopped({ kind, create }: CodeObject): string {
  return kind === 'EVENT' && statusOf(create) === 'enabled' ? withStatus(create, 'asleep') : create;
}

function asleepAmong(objects: readonly CodeObject[]): string[] {
  return objects
    .filter(({ kind, create }) => kind === 'EVENT' && statusOf(create) === 'asleep')
    .map(({ name }) => name);
}
