import type { TableName } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName, displayTable, quoteIdent } from '../connect/names.ts';
import type { TocEntry } from '../read/toc.ts';

/**
 * A copy of a subscriber must not subscribe: it would name the same slot as the original, so that one of them misses what the other has
 * read, and the server drops no database that has a subscription.
 */
export function isOfSubscription({ kind, name }: TocEntry): boolean {
  if (kind.startsWith('SUBSCRIPTION')) return true;
  return (kind === 'COMMENT' || kind === 'SECURITY LABEL') && name.startsWith('SUBSCRIPTION ');
}

export function leftSubscriptions(names: readonly string[]): string[] {
  return names.map(
    (name) => `the subscription ${name} was left out: a copy would take from the original what it waits for`,
  );
}

/** Those of this database, without a word to the server they subscribe to: the slot there is the original's. */
export async function dropSubscriptions(access: Access, signal: AbortSignal): Promise<string[]> {
  await using session = await access.connect(signal);
  const found = await session.rows<{ name: string }>(
    `select subname as name from pg_catalog.pg_subscription s join pg_catalog.pg_database d on d.oid = s.subdbid
     where d.datname = pg_catalog.current_database() order by 1`,
  );
  for (const { name } of found) {
    await session.rows(`ALTER SUBSCRIPTION ${quoteIdent(name)} DISABLE`);
    await session.rows(`ALTER SUBSCRIPTION ${quoteIdent(name)} SET (slot_name = NONE)`);
    await session.rows(`DROP SUBSCRIPTION ${quoteIdent(name)}`);
  }
  return found.map(({ name }) => name);
}

interface Fed extends TableName {
  subscription: string;
}

async function fedTables(session: Connection): Promise<Fed[]> {
  return session.rows<Fed>(
    `select s.subname as subscription, n.nspname as schema, c.relname as name
     from pg_catalog.pg_subscription_rel r join pg_catalog.pg_subscription s on s.oid = r.srsubid
     join pg_catalog.pg_class c on c.oid = r.srrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace order by 1, 2, 3`,
  );
}

/** The server forgets with a table that a subscription writes into it, and passes over what comes for one of its name, without a word. */
export async function endedFeeds(session: Connection, isMadeAnew: (table: TableName) => boolean): Promise<string[]> {
  return told(
    await fedTables(session),
    isMadeAnew,
    (subscription, tables, are) =>
      `the subscription ${subscription} does not write into ${tables} any more, which ${are} made anew. Empty what it shall copy again, then \`ALTER SUBSCRIPTION ${subscription} REFRESH PUBLICATION\``,
  );
}

export async function feedsThatGoOn(session: Connection, isRefilled: (table: TableName) => boolean): Promise<string[]> {
  return told(
    await fedTables(session),
    isRefilled,
    (subscription, tables) =>
      `the subscription ${subscription} goes on to write into ${tables}, and does not bring again what it has brought since the backup`,
  );
}

function told(
  fed: readonly Fed[],
  isMeant: (table: TableName) => boolean,
  sentence: (subscription: string, tables: string, are: 'was' | 'were') => string,
): string[] {
  const groups = Map.groupBy(fed.filter(isMeant), ({ subscription }) => subscription);
  return [...groups].map(([subscription, tables]) => {
    const named = tables.slice(0, mostNamed).map(displayTable);
    const rest = tables.length - named.length;
    const list = rest > 0 ? `${named.join(', ')} and ${rest} more` : named.join(' and ');
    return sentence(displayName(subscription), list, tables.length === 1 ? 'was' : 'were');
  });
}

const mostNamed = 2;

/** Of those in the dump of a database that is replaced in place, where each stays as it is. */
export async function subscriptionsOfDump(session: Connection, all: readonly TocEntry[]): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `select subname as name from pg_catalog.pg_subscription s join pg_catalog.pg_database d on d.oid = s.subdbid
     where d.datname = pg_catalog.current_database()`,
  );
  const there = new Set(rows.map(({ name }) => name));
  return all
    .filter(({ kind, name }) => kind === 'SUBSCRIPTION' && !there.has(name))
    .map(({ name }) => `the subscription ${displayName(name)} is not there any more, and was not made again`);
}
