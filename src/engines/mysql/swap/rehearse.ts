import { toHoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import {
  displayName,
  quotedIdent,
  quoteIdent,
  quoteIn,
  quoteLiteral,
  shortened,
  unquoteIdent,
} from '../connect/names.ts';
import { withStatus } from '../read/event-status.ts';
import { dropStatement, type CodeObject, type DatabaseObjects } from '../look/objects.ts';
import { runStatement } from '../connect/run-statement.ts';
import { tableOf, triggerElsewhere } from '../look/trigger-text.ts';

/** Always the same, so that what a killed one has left is known; and nothing that anybody else would call a table. */
export const rehearsalName = 'holdfast_rehearsal_7d1f0ab49c';

/**
 * Whether what a swap takes away could be made again: each of it is made in the restored database under another name, and dropped. Which
 * rights that needs depends on the product, its version, the binary log and the account; and a server goes on showing what it would not
 * make like that any more, such as a trigger whose column is gone. Says what could not.
 */
export async function rehearse(
  session: Connection,
  replacement: string,
  { database, code }: Pick<DatabaseObjects, 'database' | 'code'>,
): Promise<string[]> {
  const reasons = new Map<string, string[]>();
  const table = quoteIn(replacement, rehearsalName);
  for (const [original, objects] of Map.groupBy(code, ofTable)) {
    // What was killed here before.
    await session.rows(`DROP TABLE IF EXISTS ${table}`);
    try {
      const alike = original !== null && (await makeAlike(session, table, quoteIn(database, original)));
      if (!alike) await session.rows(`CREATE TABLE ${table} (n INT PRIMARY KEY)`);
      const at = { database, replacement, trial: quoteIn(replacement, trialName), table, alike };
      for (const object of objects) {
        const reason = await refusal(session, object, at);
        const what = `${object.kind.toLowerCase()} ${displayName(object.name)}`;
        if (reason !== null) reasons.set(reason, [...(reasons.get(reason) ?? []), what]);
      }
    } finally {
      await session.rows(`DROP TABLE IF EXISTS ${table}`);
    }
  }
  return [...reasons].map(([message, names]) => `these could not be made again (${shortened(names)}): ${message}`);
}

function ofTable({ kind, create }: CodeObject): string | null {
  return kind === 'TRIGGER' ? tableOf(create) : null;
}

/** For triggers, which ask for their columns. Some tables the server makes none like, and yet renames. */
async function makeAlike(session: Connection, table: string, original: string): Promise<boolean> {
  try {
    await session.rows(`CREATE TABLE ${table} LIKE ${original}`);
    return true;
  } catch (error) {
    if (refusalOf(error) === null || toHoldfastError(error).retryable) throw error;
    return false;
  }
}

interface Place {
  /** Where it reads what it reads. */
  database: string;
  replacement: string;
  /** The name for all that is tried. */
  trial: string;
  /** For triggers. */
  table: string;
  /** It has the columns of theirs. */
  alike: boolean;
}

async function refusal(
  session: Connection,
  object: CodeObject,
  { database, replacement, trial, table, alike }: Place,
): Promise<string | null> {
  const { settings, statement } = trialOf(object, { trial, table, alike });
  const drop = dropStatement({ kind: kindOfTrial(object.kind), name: trialName }, replacement);
  try {
    await session.rows(drop);
    await runStatement(session, { database, settings }, statement);
    await session.rows(drop);
    return null;
  } catch (error) {
    const message = refusalOf(error);
    if (message === null) throw error;
    return message;
  }
}

/** Null: it was not the server that refused. */
function refusalOf(error: unknown): string | null {
  const { code, message, details } = toHoldfastError(error);
  return details['errno'] === undefined || code === 'DATABASE_CONNECTION_LOST' ? null : message;
}

const trialName = `${rehearsalName}_trial`;

function trialOf(
  { kind, create, definer, settings }: CodeObject,
  { trial, table, alike }: Pick<Place, 'trial' | 'table' | 'alike'>,
): { settings: string | null; statement: string } {
  // Packages are only text in another mode of the server; who may make them may make procedures.
  if (isPackage(kind)) return ours(`CREATE ${definerClause(definer)} PROCEDURE ${trial} () SELECT 1`);
  if (kind === 'TRIGGER' && !alike)
    return ours(
      `CREATE ${definerClause(definer)} TRIGGER ${trial} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.n = 1`,
    );
  if (kind === 'TRIGGER') return { settings, statement: triggerElsewhere(create, trial, table) };
  const renamed = create.replace(nameOf(kind), (_whole, before: string) => before + trial);
  // None of it shall run.
  return { settings, statement: kind === 'EVENT' ? withStatus(renamed, 'asleep') : renamed };
}

/** Not in a mode of theirs, which may be another language. */
function ours(statement: string): { settings: null; statement: string } {
  return { settings: null, statement };
}

function kindOfTrial(kind: CodeObject['kind']): CodeObject['kind'] {
  return isPackage(kind) ? 'PROCEDURE' : kind;
}

function isPackage(kind: CodeObject['kind']): boolean {
  return kind === 'PACKAGE' || kind === 'PACKAGE BODY';
}

/** The server writes what stands before it, and quotes it. */
function nameOf(kind: CodeObject['kind']): RegExp {
  return new RegExp(String.raw`^((?:${quotedIdent}|[^\`"])*?\b${kind} )${quotedIdent}`);
}

/** `user@host`, or a role of MariaDB, which has no host. */
function definerClause(definer: string): string {
  if (definer === '') return '';
  const at = definer.lastIndexOf('@');
  const [user, host] = [definer.slice(0, at), definer.slice(at + 1)];
  return `DEFINER=${quoteIdent(user)}${host === '' ? '' : `@${quoteIdent(host)}`}`;
}

/** Views that read what is not there any more: the server goes on showing them, and makes none like them. Nothing is made here. */
export async function brokenViews(
  session: Connection,
  { database, tables, code: objects }: Pick<DatabaseObjects, 'database' | 'tables' | 'code'>,
): Promise<string[]> {
  const broken: string[] = [];
  const own = `${quoteIdent(database)}.`;
  const there = new Set(tables);
  for (const { kind, name: view, create } of objects) {
    if (kind !== 'VIEW' || create === '') continue;
    // Over a sequence that is not there, the server prepares a view and yet makes none.
    const sequences = [...create.matchAll(sequenceOf)].map(([, at = own, sequence = '']) =>
      at === own ? sequence : '',
    );
    const gone = sequences.find((sequence) => sequence !== '' && !there.has(unquoteIdent(sequence)));
    if (gone !== undefined) {
      broken.push(`${displayName(view)}: the sequence ${gone} does not exist`);
      continue;
    }
    // Not with its own settings: their character set need not have the names that stand in it, and this is a text.
    await runStatement(
      session,
      { database, settings: null },
      `PREPARE ${rehearsalName} FROM ${quoteLiteral(create)}`,
    ).catch((error: unknown) => {
      const { code, message, details } = toHoldfastError(error);
      if (details['errno'] === undefined || code === 'DATABASE_CONNECTION_LOST') throw error;
      // Anything else, such as a right or a limit, says nothing about the view.
      if (!missing.has(Number(details['errno']))) return;
      broken.push(`${displayName(view)}: ${message}`);
    });
  }
  if (broken.length === 0) return [];
  return [
    `these views could not be made again, and have to be dropped first, as nobody can read them (${shortened(broken)})`,
  ];
}

/** What stands in quotes is a text. */
const sequenceOf = new RegExp(
  String.raw`'(?:[^'\\]|\\.|'')*'|\b(?:next|last|set)val\((${quotedIdent}\.)?(${quotedIdent})`,
  'gi',
);

/** A database, a table, a column, a function, or any of them of a view that is read. */
const missing = new Set([1049, 1054, 1146, 1305, 1356]);
