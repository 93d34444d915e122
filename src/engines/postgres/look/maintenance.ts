import { HoldfastError } from '../../../base/errors.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';

/** A session on the same server in none of the databases to `avoid`: what is created, renamed or dropped must not be in use by us. */
export async function openMaintenance(
  access: Access,
  avoid: readonly string[],
  signal: AbortSignal,
): Promise<Connection> {
  const usual = ['postgres', 'template1'].filter((name) => !avoid.includes(name));
  let first: unknown;
  for (const database of usual) {
    try {
      return await access.connect(signal, { database, application: 'holdfast maintenance' });
    } catch (error) {
      if (!isClosed(error)) throw error;
      first ??= error;
    }
  }
  for (const database of await otherDatabases(access, [...avoid, ...usual], signal)) {
    try {
      return await access.connect(signal, { database, application: 'holdfast maintenance' });
    } catch (error) {
      if (!isClosed(error)) throw error;
    }
  }
  throw new HoldfastError(
    'NO_MAINTENANCE_DATABASE',
    `${access.address.user} can use no ${avoid.length === 0 ? '' : 'other '}database of this server`,
    {
      cause: first,
      hint: `Allow it to connect to the database postgres: a database cannot be created, renamed or dropped from inside itself.`,
    },
  );
}

/** This one is missing or not for us; another may do. */
function isClosed(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  const { sqlstate } = error.details;
  // 55000: the database allows no connections.
  if (['DATABASE_MISSING', 'DATABASE_NO_PRIVILEGE'].includes(error.code) || sqlstate === '55000') return true;
  // 28000: this user, or this place, is not for that database. A password that is wrong, or missing, is so everywhere.
  return error.code === 'DATABASE_LOGIN_FAILED' && sqlstate === '28000';
}

async function otherDatabases(access: Access, avoid: readonly string[], signal: AbortSignal): Promise<string[]> {
  try {
    await using session = await access.connect(signal);
    const rows = await session.rows<{ name: string }>(
      `select datname as name from pg_catalog.pg_database where datallowconn and datname <> all($1::text[])
       and pg_catalog.has_database_privilege(oid, 'connect') order by 1`,
      [avoid],
    );
    return rows.map((row) => row.name);
  } catch (error) {
    if (isClosed(error)) return [];
    throw error;
  }
}
