import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';
import { displayName, quoteIn, quoteLiteral, shortened } from './names.ts';

/** The right to one routine, which the server forgets when it is dropped; rights to tables and views it keeps by their names. */
export interface RoutineGrant {
  kind: string;
  /** Without regard to capitals, as routines are called. */
  name: string;
  grantee: string;
  privileges: readonly string[];
  mayGrant: boolean;
}

/** Null: we may not know. */
export async function readRoutineGrants(session: Connection, database: string): Promise<RoutineGrant[] | null> {
  try {
    const rows = await session.rows<Row>(
      `SELECT Routine_type AS kind, Routine_name AS name, User AS user, Host AS host, CAST(Proc_priv AS CHAR) AS privileges
       FROM mysql.procs_priv WHERE Db = ? ORDER BY 1, 2, 3, 4`,
      [database],
    );
    return rows.map(({ kind, name, user, host, privileges }) => {
      const all = privileges.split(',').filter((each) => each !== '');
      return {
        kind: kind.toUpperCase(),
        name: name.toLowerCase(),
        // A role of MariaDB has no host.
        grantee: host === '' ? quoteLiteral(user) : `${quoteLiteral(user)}@${quoteLiteral(host)}`,
        privileges: all.filter((each) => each !== 'Grant'),
        mayGrant: all.includes('Grant'),
      };
    });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'DATABASE_NO_PRIVILEGE') return null;
    throw error;
  }
}

interface Row {
  kind: string;
  name: string;
  user: string;
  host: string;
  privileges: string;
}

export function grantStatement({ kind, name, grantee, privileges, mayGrant }: RoutineGrant, database: string): string {
  const what = privileges.length === 0 ? 'USAGE' : privileges.join(', ').toUpperCase();
  return `GRANT ${what} ON ${kind} ${quoteIn(database, name)} TO ${grantee}${mayGrant ? ' WITH GRANT OPTION' : ''}`;
}

/** Those that we may grant: found by granting what is granted already, which changes nothing. What cannot be is told. */
export async function grantable(
  session: Connection,
  database: string,
  tell: (text: string) => void,
): Promise<RoutineGrant[]> {
  const all = await readRoutineGrants(session, database);
  if (all === null) {
    tell('rights to single routines cannot be seen (SELECT on mysql.procs_priv), and are lost where there are some');
    return [];
  }
  const possible: RoutineGrant[] = [];
  const lost: string[] = [];
  for (const grant of all) {
    try {
      await session.rows(grantStatement(grant, database));
      possible.push(grant);
    } catch (error) {
      const { code, message, details } = toHoldfastError(error);
      if (details['errno'] === undefined || code === 'DATABASE_CONNECTION_LOST') throw error;
      lost.push(`${grant.grantee} to ${displayName(grant.name)} (${message})`);
    }
  }
  if (lost.length > 0)
    tell(`these rights to single routines cannot be granted again, and are lost: ${shortened(lost)}`);
  return possible;
}
