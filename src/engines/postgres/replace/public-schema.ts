import type { Connection } from '../connect/connection.ts';
import { block } from '../connect/do-block.ts';

/**
 * Every new database has the schema `public`, and so a dump says what is in it, and not how it is made. Where `DROP SCHEMA public CASCADE` took it away,
 * it has to be there again first, as the server makes it: the privileges in a dump tell what differs from that.
 */
export async function publicAgain(session: Connection): Promise<string[]> {
  return (await hasPublic(session)) ? [] : [makePublic];
}

export async function hasPublic(session: Connection): Promise<boolean> {
  return session.value<boolean>(`select pg_catalog.to_regnamespace('public') is not null`);
}

// A role that is not the owner of the database cannot give it to that, and keeps it.
const makePublic = block(`
declare
  has_owner_role bool := pg_catalog.current_setting('server_version_num')::int >= 150000;
begin
  create schema public;
  comment on schema public is 'standard public schema';
  if not has_owner_role then
    grant all on schema public to public;
    return;
  end if;
  grant usage on schema public to public;
  if pg_catalog.pg_has_role('pg_database_owner', 'member') then
    alter schema public owner to pg_database_owner;
  end if;
end`);
