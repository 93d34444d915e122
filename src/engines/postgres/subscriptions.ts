import type { Access } from './access.ts';
import { quoteIdent } from './names.ts';
import type { TocEntry } from './toc.ts';

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
