import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { accountSql, displayName, listed, quoteIn, quoteLiteral, shortened } from '../connect/names.ts';
import { runStatement } from '../connect/run-statement.ts';
import { sameRoutine } from './routine-fates.ts';

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

/** MariaDB knows packages in this mode only. */
const packageMode = "SET SESSION sql_mode = 'ORACLE'";

export function grantSettings({ kind }: RoutineGrant): string | null {
  return kind.startsWith('PACKAGE') ? packageMode : null;
}

export function grantStatement({ kind, name, grantee, privileges, mayGrant }: RoutineGrant, database: string): string {
  const what = privileges.length === 0 ? 'USAGE' : privileges.join(', ').toUpperCase();
  return `GRANT ${what} ON ${kind} ${quoteIn(database, name)} TO ${grantee}${mayGrant ? ' WITH GRANT OPTION' : ''}`;
}

/** What a swap drops of the live database's routines, and rights to single ones with it. */
export interface DroppedRoutines {
  database: string;
  /** Made again from the backup. */
  remade: readonly Named[];
  /** The restored database does not have them. */
  gone: readonly Named[];
}

type Named = Pick<RoutineGrant, 'kind' | 'name'>;

/** Those that we may grant: found by granting what is granted already, which changes nothing. What is or may be lost is told. */
export async function grantable(
  session: Connection,
  { database, remade, gone }: DroppedRoutines,
  tell: (text: string) => void,
): Promise<RoutineGrant[]> {
  const dropped = [...remade, ...gone];
  if (dropped.length === 0 || !(await dropsRights(session))) return [];
  const all = await readRoutineGrants(session, database);
  if (all === null) {
    const account = accountSql(await session.value('SELECT CURRENT_USER()'));
    if (remade.length > 0)
      tell(
        `rights to these routines are lost where somebody has some, which cannot be seen: ${namesOf(remade)}; GRANT SELECT ON mysql.procs_priv TO ${account} keeps them at the next restore`,
      );
    if (gone.length > 0)
      tell(
        `rights to these routines, which the restored database does not have, end with them; who has some cannot be seen: ${namesOf(gone)}`,
      );
    return [];
  }
  const possible: RoutineGrant[] = [];
  const lost: string[] = [];
  const ended: string[] = [];
  for (const grant of all.filter((each) => dropped.some((routine) => sameRoutine(routine, each)))) {
    const words = `${grant.grantee} to ${displayName(grant.name)}`;
    try {
      await runStatement(session, { database: null, settings: grantSettings(grant) }, grantStatement(grant, database));
      possible.push(grant);
      if (gone.some((routine) => sameRoutine(routine, grant))) ended.push(words);
    } catch (error) {
      const { code, message, details } = toHoldfastError(error);
      if (details['errno'] === undefined || code === 'DATABASE_CONNECTION_LOST') throw error;
      lost.push(`${words} (${message})`);
    }
  }
  if (lost.length > 0)
    tell(`these rights to single routines cannot be granted again, and are lost: ${shortened(lost)}`);
  if (ended.length > 0)
    tell(`these rights end with their routines, which the restored database does not have: ${shortened(ended)}`);
  return possible;
}

function namesOf(routines: readonly Named[]): string {
  return listed([...new Set(routines.map(({ name }) => name))].toSorted());
}

/** Where the server gives no rights to who makes a routine, it takes nobody's away when one is dropped. */
export async function dropsRights(session: Connection): Promise<boolean> {
  return Number(await session.value<number | string>('SELECT @@GLOBAL.automatic_sp_privileges')) === 1;
}
