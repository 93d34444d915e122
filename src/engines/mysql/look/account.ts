import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { mayGlobally, parseGrants, type Grant } from './grants.ts';
import { flavourOf, numberOf } from '../connect/server-version.ts';
import { seriesOf, type ToolFlavour } from '../connect/tool-version.ts';

const systemUser = 'SYSTEM_USER';

/** Who we are on the server, and what that user may do there. */
export interface Account {
  /** `shop@%`: the entry of the server's list that let us in. */
  name: string;
  grants: Grant[];
  superuser: boolean;
  /** Sees and may end other users' sessions. */
  mayEndSessions: boolean;
  /** May create objects that act as somebody else. */
  maySetDefiners: boolean;
}

export async function readAccount(connection: Connection): Promise<Account> {
  const name = await connection.value('SELECT CURRENT_USER()');
  const rows = await connection.rows<Record<string, string>>('SHOW GRANTS');
  const grants = parseGrants(rows.map((row) => Object.values(row)[0] ?? ''));
  const any = (...privileges: string[]) => privileges.some((each) => mayGlobally(grants, each));
  const superuser = any('SUPER');
  return {
    name,
    grants,
    superuser,
    mayEndSessions: superuser || any('CONNECTION ADMIN', 'CONNECTION_ADMIN'),
    maySetDefiners: superuser || any('SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'),
  };
}

/** As whom an object may be made to act: `user@host`, each an account of the server. Null where we may not know. */
export async function settableAccounts(connection: Connection, account: Account): Promise<ReadonlySet<string> | null> {
  const all = await readAccounts(connection, 'mysql.user');
  if (all === null || mayGlobally(account.grants, systemUser)) return all;
  const version = await connection.value('SELECT VERSION()');
  if (flavourOf(version) !== 'mysql' || seriesOf(numberOf(version)) < 8000) return all;
  // Those accounts MySQL keeps for their equals.
  return all.difference(
    (await readAccounts(connection, `mysql.global_grants WHERE PRIV = '${systemUser}'`)) ?? new Set(),
  );
}

async function readAccounts(connection: Connection, from: string): Promise<Set<string> | null> {
  try {
    const rows = await connection.rows<{ account: string }>(`SELECT CONCAT(User, '@', Host) AS account FROM ${from}`);
    return new Set(rows.map((row) => row.account));
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'DATABASE_NO_PRIVILEGE') return null;
    throw error;
  }
}

/** Whether functions and triggers may be made: where there is a binary log, the server distrusts who has no SUPER. */
export async function mayMakeFunctions(connection: Connection, { superuser }: Account): Promise<boolean> {
  const { log, trust } = await connection.row<{ log: number | string; trust: number | string }>(
    'SELECT @@log_bin AS `log`, @@log_bin_trust_function_creators AS trust',
  );
  return superuser || Number(log) === 0 || Number(trust) === 1;
}

/** The right to a short lock on everything; what it is called depends on the product. */
export function mayLockAll({ grants, superuser }: Account, flavour: ToolFlavour): boolean {
  const reload = mayGlobally(grants, 'RELOAD') || superuser;
  return reload || (flavour === 'mysql' && mayGlobally(grants, 'FLUSH_TABLES'));
}
