import { toHoldfastError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';
import { displayName, quoteIdent, quoteIn, shortened } from './names.ts';
import { dropStatement, type CodeObject } from './objects.ts';

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
  const alike = Map.groupBy(objects, ({ kind, definer }) => JSON.stringify([trialOf(kind), definer]));
  const table = quoteIn(replacement, name);
  if (alike.size === 0) return [];
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
        await session.rows(trials[kind](definerClause(first.definer), quoteIn(replacement, trialName), table));
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

type Trial = Exclude<CodeObject['kind'], 'PACKAGE' | 'PACKAGE BODY'>;

const trialName = `${name}_trial`;

/** Packages are only text in another mode of the server; who may make them may make procedures. */
function trialOf(kind: CodeObject['kind']): Trial {
  return kind === 'PACKAGE' || kind === 'PACKAGE BODY' ? 'PROCEDURE' : kind;
}

const trials: Readonly<Record<Trial, (definer: string, at: string, table: string) => string>> = {
  VIEW: (definer, at) => `CREATE ${definer} VIEW ${at} AS SELECT 1 AS n`,
  TRIGGER: (definer, at, table) =>
    `CREATE ${definer} TRIGGER ${at} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.n = 1`,
  FUNCTION: (definer, at) => `CREATE ${definer} FUNCTION ${at} () RETURNS INT DETERMINISTIC NO SQL RETURN 1`,
  PROCEDURE: (definer, at) => `CREATE ${definer} PROCEDURE ${at} () SELECT 1`,
  EVENT: (definer, at) => `CREATE ${definer} EVENT ${at} ON SCHEDULE EVERY 1 DAY DISABLE DO DO 0`,
};

/** `user@host`, or a role of MariaDB, which has no host. */
function definerClause(definer: string): string {
  if (definer === '') return '';
  const at = definer.lastIndexOf('@');
  const [user, host] = [definer.slice(0, at), definer.slice(at + 1)];
  return `DEFINER=${quoteIdent(user)}${host === '' ? '' : `@${quoteIdent(host)}`}`;
}
