import { HoldfastError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';
import { mayGlobally, parseGrants, type Grant } from './grants.ts';
import type { ToolFlavour } from './tool-version.ts';

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

/** Accounts of the server as `user@host`, or null where we may not know. */
export async function listAccounts(connection: Connection): Promise<ReadonlySet<string> | null> {
  try {
    const rows = await connection.rows<{ account: string }>(
      "SELECT CONCAT(User, '@', Host) AS account FROM mysql.user",
    );
    return new Set(rows.map((row) => row.account));
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'DATABASE_NO_PRIVILEGE') return null;
    throw error;
  }
}

/** The right to a short lock on everything; what it is called depends on the product. */
export function mayLockAll({ grants, superuser }: Account, flavour: ToolFlavour): boolean {
  const reload = mayGlobally(grants, 'RELOAD') || superuser;
  return reload || (flavour === 'mysql' && mayGlobally(grants, 'FLUSH_TABLES'));
}
