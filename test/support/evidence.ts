import type { TestPostgres } from './postgres.ts';

/**
 * Everything that would tell whether a database was touched: its own number on the server, its relations with their numbers and files, and
 * the content of every table. Equal before and after means untouched, row for row.
 */
export async function evidenceOf(server: TestPostgres, database: string): Promise<unknown> {
  const relations = await server.sql<{ relation: string; kind: string; oid: string; file: string }>(
    database,
    `select format('%I.%I', n.nspname, c.relname) as relation, c.relkind as kind, c.oid::text as oid, c.relfilenode::text as file
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1`,
  );
  const [itself] = await server.sql(database, 'select oid::text from pg_database where datname = current_database()');
  return { itself, relations, content: await contentOf(server, database) };
}

/** Per table a digest of all its rows in any order; comparable between databases and servers. */
export async function contentOf(server: TestPostgres, database: string): Promise<Record<string, string>> {
  await using session = await server.session(database);
  const { rows: tables } = await session.query<{ relation: string }>(
    `select format('%I.%I', n.nspname, c.relname) as relation
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1`,
  );
  const content: Record<string, string> = {};
  for (const { relation } of tables) {
    const { rows } = await session.query<{ digest: string }>(
      `select count(*) || ':' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as digest from ${relation} t`,
    );
    content[relation] = rows[0]?.digest ?? '';
  }
  return content;
}
