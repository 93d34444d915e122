import { HoldfastError } from '../../../base/errors.ts';
import type { DatabaseFacts, ServerFacts, TargetFacts } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { readFacts, serverNumber, serverVersion } from '../look/facts.ts';
import { openMaintenance } from '../look/maintenance.ts';
import { quoteIdent } from '../connect/names.ts';
import { listRelations } from '../look/tables.ts';

/** The database as it is, and the tools that would dump it. */
export async function probe(access: Access, signal: AbortSignal): Promise<DatabaseFacts> {
  await using session = await access.connect(signal);
  const major = Math.floor((await serverNumber(session)) / 10_000);
  const tools = await access.tools({ tools: ['pg_dump'], minimum: major, preferred: major }, signal);
  return await readFacts(session, { version: tools.version, via: viaOf(await access.container(signal)) });
}

/** What there is on the server, whether or not the database itself exists. */
export async function serverFacts(access: Access, signal: AbortSignal): Promise<ServerFacts> {
  await using session = await openMaintenance(access, [], signal);
  const base = await session.row<ServerRow>(serverQuery);
  const { number, mayCreateDatabase, ...rest } = base;
  const refusal = {
    reason: `role ${base.role} may not create databases`,
    hint: `Allow it (ALTER ROLE ${quoteIdent(base.role)} CREATEDB).`,
  };
  return {
    ...rest,
    mayNotCreate: mayCreateDatabase ? null : refusal,
    mayNotChange: null,
    version: serverVersion(number),
    extensions: await session.rows(extensionsQuery),
  };
}

type ServerRow = Pick<ServerFacts, 'role' | 'superuser' | 'reaches' | 'memberOf' | 'roles' | 'databases'> & {
  number: number;
  mayCreateDatabase: boolean;
};

/** No two servers began in the same microsecond; what addresses, ports and roles say of them can differ or be the same by accident. */
export async function identity(access: Access, signal: AbortSignal): Promise<string> {
  await using session = await openMaintenance(access, [], signal);
  const { began } = await session.row<{ began: string }>(
    'select extract(epoch from pg_catalog.pg_postmaster_start_time())::text as began',
  );
  return JSON.stringify([began, access.address.database]);
}

/** Null when the database does not exist. */
export async function targetFacts(access: Access, signal: AbortSignal): Promise<TargetFacts | null> {
  try {
    await using session = await access.connect(signal);
    const via = viaOf(await access.container(signal));
    return {
      facts: await readFacts(session, { version: '', via }),
      sessions: await session.rows(sessionsQuery),
      relations: (await listRelations(session)).length,
    };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'DATABASE_MISSING') return null;
    throw error;
  }
}

function viaOf(container: { name: string } | null): string {
  return container ? `container:${container.name}` : 'host';
}

/** Membership is enough: a dump may change to such a role. Before 16, whoever may make roles may give these to itself. */
export const reachesQuery = `
  select coalesce(pg_catalog.array_agg(x.rolname::text order by 1), '{}') from pg_catalog.pg_roles x
  where pg_catalog.pg_has_role(x.oid, 'member') and (x.rolsuper
    or x.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
    or (x.rolcreaterole and pg_catalog.current_setting('server_version_num')::int < 160000))`;

const serverQuery = `
  select pg_catalog.current_setting('server_version_num')::int as number, r.rolname as role, r.rolsuper as superuser,
    r.rolsuper or r.rolcreatedb as "mayCreateDatabase", (${reachesQuery}) as reaches,
    (select coalesce(pg_catalog.array_agg(m.rolname::text order by 1), '{}') from pg_catalog.pg_roles m
      where pg_catalog.pg_has_role(m.oid, 'usage')) as "memberOf",
    (select pg_catalog.array_agg(o.rolname::text order by 1) from pg_catalog.pg_roles o) as roles,
    (select pg_catalog.array_agg(d.datname::text order by 1) from pg_catalog.pg_database d) as databases
  from pg_catalog.pg_roles r where r.rolname = current_user`;

const extensionsQuery = `
  select name, default_version as version from pg_catalog.pg_available_extensions
  where default_version is not null order by name`;

// Of other roles' sessions an ordinary role sees little, not even their type.
const sessionsQuery = `
  select a.pid, coalesce(a.usename, '') as role, coalesce(a.application_name, '') as application,
    coalesce(pg_catalog.host(a.client_addr), 'local') as address,
    me.rolsuper or (not coalesce(r.rolsuper, true)
      and (pg_catalog.pg_has_role(a.usesysid, 'usage') or pg_catalog.pg_has_role('pg_signal_backend', 'usage'))) as "mayEnd"
  from pg_catalog.pg_stat_activity a
  join pg_catalog.pg_roles me on me.rolname = current_user
  left join pg_catalog.pg_roles r on r.oid = a.usesysid
  where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
    and a.usesysid is not null and coalesce(a.backend_type, 'client backend') = 'client backend' order by a.pid`;
