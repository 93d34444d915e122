import { toHoldfastError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';
import { displayName, quotedIdent, quoteIdent, quoteIn, quoteLiteral, shortened, unquoteIdent } from './names.ts';
import { dropStatement, type CodeObject, type DatabaseObjects } from './objects.ts';
import { runStatement } from './run-statement.ts';

const name = 'holdfast_rehearsal';

/**
 * Whether what a swap takes away could be made again, tried with as little of each kind, and for each account it acts as, in the restored
 * database: which rights that needs depends on the product, its version, the binary log and the account. Says what could not.
 */
export async function rehearse(
  session: Connection,
  replacement: string,
  objects: readonly CodeObject[],
): Promise<string[]> {
  const alike = Map.groupBy(objects, (each) => JSON.stringify([trialOf(each.kind), each.definer, promises(each)]));
  if (alike.size === 0) return [];
  const table = quoteIn(replacement, name);
  const at = { trial: quoteIn(replacement, trialName), table };
  const reasons = new Map<string, string[]>();
  // What was killed here before.
  await session.rows(`DROP TABLE IF EXISTS ${table}`);
  await session.rows(`CREATE TABLE ${table} (n INT PRIMARY KEY)`);
  try {
    for (const [first, ...others] of alike.values()) {
      if (!first) continue;
      const kind = trialOf(first.kind);
      const drop = dropStatement({ kind, name: trialName }, replacement);
      try {
        await session.rows(drop);
        await session.rows(trials[kind](`CREATE ${definerClause(first.definer)} ${kind}`, at, promises(first)));
        await session.rows(drop);
      } catch (error) {
        const { message } = toHoldfastError(error);
        const what = [first, ...others].map((each) => `${each.kind.toLowerCase()} ${displayName(each.name)}`);
        reasons.set(message, [...(reasons.get(message) ?? []), ...what]);
      }
    }
  } finally {
    await session.rows(`DROP TABLE IF EXISTS ${table}`);
  }
  return [...reasons].map(([message, names]) => `these could not be made again (${shortened(names)}): ${message}`);
}

/** Views that read what is not there any more: the server goes on showing them, and makes none like them. Nothing is made here. */
export async function brokenViews(
  session: Connection,
  { database, tables, code: objects }: Pick<DatabaseObjects, 'database' | 'tables' | 'code'>,
): Promise<string[]> {
  const broken: string[] = [];
  const own = `${quoteIdent(database)}.`;
  const there = new Set(tables);
  for (const { kind, name: view, create, settings } of objects) {
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
    const step = { database, settings };
    await runStatement(session, step, `PREPARE ${name} FROM ${quoteLiteral(create)}`).catch((error: unknown) => {
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

type Trial = Exclude<CodeObject['kind'], 'PACKAGE' | 'PACKAGE BODY'>;

const trialName = `${name}_trial`;

/** Packages are only text in another mode of the server; who may make them may make procedures. */
function trialOf(kind: CodeObject['kind']): Trial {
  return kind === 'PACKAGE' || kind === 'PACKAGE BODY' ? 'PROCEDURE' : kind;
}

interface Place {
  trial: string;
  /** For triggers. */
  table: string;
}

const trials: Readonly<Record<Trial, (create: string, at: Place, promised: boolean) => string>> = {
  VIEW: (create, { trial }) => `${create} ${trial} AS SELECT 1 AS n`,
  TRIGGER: (create, { trial, table }) => `${create} ${trial} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.n = 1`,
  FUNCTION: (create, { trial }, promised) =>
    `${create} ${trial} () RETURNS INT ${promised ? 'DETERMINISTIC NO SQL' : ''} RETURN 1`,
  PROCEDURE: (create, { trial }) => `${create} ${trial} () SELECT 1`,
  EVENT: (create, { trial }) => `${create} ${trial} ON SCHEDULE EVERY 1 DAY DISABLE DO DO 0`,
};

/** Where there is a binary log, a function that promises nothing is refused to everybody. */
function promises({ kind, create }: CodeObject): boolean {
  return kind !== 'FUNCTION' || /(?<!NOT )\bDETERMINISTIC\b|\bNO SQL\b|\bREADS SQL DATA\b/i.test(create);
}

/** `user@host`, or a role of MariaDB, which has no host. */
function definerClause(definer: string): string {
  if (definer === '') return '';
  const at = definer.lastIndexOf('@');
  const [user, host] = [definer.slice(0, at), definer.slice(at + 1)];
  return `DEFINER=${quoteIdent(user)}${host === '' ? '' : `@${quoteIdent(host)}`}`;
}
