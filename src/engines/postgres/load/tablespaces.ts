import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName } from '../connect/names.ts';
import type { Tablespaces } from './restore-args.ts';
import type { TocEntry } from '../read/toc.ts';

/** Where data lies is the server's business: what a dump says of it can only be obeyed where every tablespace it names is there. */
export async function planTablespaces(
  session: Connection,
  entries: readonly Pick<TocEntry, 'tablespace'>[],
): Promise<{ tablespaces: Tablespaces; warnings: string[] }> {
  const named = [...new Set(entries.flatMap(({ tablespace }) => tablespace ?? []))].toSorted();
  if (named.length === 0) return { tablespaces: 'keep', warnings: [] };
  const rows = await session.rows<{ name: string }>('select spcname as name from pg_catalog.pg_tablespace');
  const there = new Set(rows.map(({ name }) => name));
  const missing = named.filter((name) => !there.has(name));
  if (missing.length === 0) return { tablespaces: 'keep', warnings: [] };
  const names = missing.map(displayName).join(', ');
  const are = missing.length === 1 ? `tablespace ${names} is` : `tablespaces ${names} are`;
  return { tablespaces: 'none', warnings: [`the ${are} not on the server: everything lies in that of the database`] };
}

export async function findTablespaces(
  access: Access,
  entries: readonly Pick<TocEntry, 'tablespace'>[],
  signal: AbortSignal,
): ReturnType<typeof planTablespaces> {
  await using session = await access.connect(signal);
  return await planTablespaces(session, entries);
}
