import type { DatabaseFacts } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { readMark } from '../../shared/mark.ts';
import { readSwitchedKeys, type SwitchedKey } from './switched-keys.ts';

/** What creating and dressing an equal database needs beyond the engine-neutral facts; kept in `DatabaseFacts.properties`. */
export interface PostgresProperties {
  localeProvider: 'libc' | 'icu' | 'builtin';
  ctype: string;
  /** The locale of the providers `icu` and `builtin`. */
  locale: string | null;
  icuRules: string | null;
  tablespace: string;
  /** -1: no limit. */
  connectionLimit: number;
  comment: string | null;
  /** Null: as every new database has it. A grantee of null is PUBLIC. */
  privileges: { grantor: string; grantee: string | null; privilege: string; grantable: boolean }[] | null;
  /** `ALTER ROLE ... IN DATABASE ... SET`, as `name=value`. */
  roleSettings: { role: string; setting: string }[];
  /** What of keys is not on as it was made. */
  switchedKeys: SwitchedKey[];
  /** It has not been dropped: a dump says nothing of that. */
  publicSchema: boolean;
  /** Others may make databases of it, and nobody drops it by mistake. */
  template: boolean;
  /** The server's own number, which tells two servers with the same address and names apart; null where it may not be read. */
  systemIdentifier: string | null;
}

export async function readFacts(
  connection: Connection,
  tools: { version: string; via: string },
): Promise<DatabaseFacts> {
  const base = await connection.row<BaseRow>(baseQuery);
  const { raw } = base;
  const properties: PostgresProperties = {
    localeProvider: providers[text(raw['datlocprovider']) ?? 'c'] ?? 'libc',
    ctype: text(raw['datctype']) ?? '',
    // Named differently in 15 and 16, and in 17 and later.
    locale: text(raw['datlocale']) ?? text(raw['daticulocale']),
    icuRules: text(raw['daticurules']),
    tablespace: base.tablespace,
    connectionLimit: Number(raw['datconnlimit']),
    comment: ownComment(base.comment),
    privileges: raw['datacl'] === null ? null : await connection.rows(privilegesQuery),
    roleSettings: await connection.rows(roleSettingsQuery),
    switchedKeys: await readSwitchedKeys(connection),
    publicSchema: base.publicSchema,
    template: raw['datistemplate'] === true,
    systemIdentifier: await systemIdentifier(connection, base.mayReadControl),
  };
  const settings = await connection.rows<{ setting: string }>(settingsQuery);
  const roles = await connection.rows<{ name: string }>(rolesQuery);
  const owners = await connection.rows<{ name: string }>(ownersQuery);
  const policyRoles = await connection.rows<{ name: string }>(policyRolesQuery);
  return {
    engine: 'postgres',
    name: base.name,
    serverVersion: serverVersion(base.version),
    toolVersion: tools.version,
    via: tools.via,
    encoding: base.encoding,
    collation: properties.localeProvider === 'libc' ? (text(raw['datcollate']) ?? '') : (properties.locale ?? ''),
    collationVersion: await collationVersion(connection, base.version),
    sizeBytes: Number(base.size),
    owner: base.owner,
    extensions: await connection.rows(extensionsQuery),
    settings: settings.map((each) => each.setting),
    roles: roles.map((each) => each.name),
    owners: owners.map((each) => each.name),
    policyRoles: policyRoles.map((each) => each.name),
    properties: { ...properties },
  };
}

/** The properties of facts that may come from a manifest of another version of this program, or from another hand. */
export function propertiesOf(facts: DatabaseFacts): PostgresProperties {
  const given = facts.properties as Partial<PostgresProperties>;
  return {
    localeProvider: given.localeProvider ?? 'libc',
    ctype: given.ctype ?? facts.collation,
    locale: given.locale ?? null,
    icuRules: given.icuRules ?? null,
    tablespace: given.tablespace ?? 'pg_default',
    connectionLimit: given.connectionLimit ?? -1,
    comment: ownComment(given.comment ?? null),
    privileges: given.privileges ?? null,
    roleSettings: given.roleSettings ?? [],
    switchedKeys: given.switchedKeys ?? [],
    publicSchema: given.publicSchema ?? true,
    template: given.template ?? false,
    systemIdentifier: given.systemIdentifier ?? null,
  };
}

/** `150018` -> `15.18` */
export function serverVersion(number: number): string {
  return `${Math.floor(number / 10_000)}.${number % 10_000}`;
}

/** What stands on a database while it is only being tried is nothing that belongs to it. */
function ownComment(comment: string | null): string | null {
  return readMark(comment) === null ? comment : null;
}

export async function serverNumber(connection: Connection): Promise<number> {
  return Number(await connection.value(`select pg_catalog.current_setting('server_version_num')`));
}

interface BaseRow {
  name: string;
  owner: string;
  encoding: string;
  size: string;
  tablespace: string;
  comment: string | null;
  version: number;
  mayReadControl: boolean;
  publicSchema: boolean;
  raw: Record<string, unknown>;
}

const providers: Record<string, PostgresProperties['localeProvider'] | undefined> = {
  c: 'libc',
  i: 'icu',
  b: 'builtin',
};

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

// `to_jsonb` of the whole row: the columns differ from version to version.
const baseQuery = `
  select d.datname as name, pg_catalog.pg_get_userbyid(d.datdba) as owner, pg_catalog.pg_encoding_to_char(d.encoding) as encoding,
    pg_catalog.pg_database_size(d.oid)::text as size, t.spcname as tablespace, pg_catalog.shobj_description(d.oid, 'pg_database') as comment,
    pg_catalog.current_setting('server_version_num')::int as version, pg_catalog.to_jsonb(d) as raw,
    pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as "mayReadControl",
    pg_catalog.to_regnamespace('public') is not null as "publicSchema"
  from pg_catalog.pg_database d join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
  where d.datname = pg_catalog.current_database()`;

const privilegesQuery = `
  select pg_catalog.pg_get_userbyid(x.grantor) as grantor,
    case when x.grantee = 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end as grantee,
    x.privilege_type as privilege, x.is_grantable as grantable
  from pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) x
  where d.datname = pg_catalog.current_database() order by 2 nulls first, 1, 3`;

const settingsQuery = `
  select pg_catalog.unnest(s.setconfig) as setting from pg_catalog.pg_db_role_setting s
  join pg_catalog.pg_database d on d.oid = s.setdatabase
  where d.datname = pg_catalog.current_database() and s.setrole = 0`;

const roleSettingsQuery = `
  select r.rolname as role, pg_catalog.unnest(s.setconfig) as setting from pg_catalog.pg_db_role_setting s
  join pg_catalog.pg_database d on d.oid = s.setdatabase join pg_catalog.pg_roles r on r.oid = s.setrole
  where d.datname = pg_catalog.current_database() order by 1`;

const extensionsQuery = `select extname as name, extversion as version from pg_catalog.pg_extension order by extname`;

/**
 * From the server's own book of dependencies; it leaves out the first superuser, who therefore is looked for among the owners. `depends`: of
 * which kinds, `o` for owners only.
 */
const rolesQueryOf = (depends: string) => `
  select r.rolname as name from pg_catalog.pg_roles r
  where r.rolname <> 'pg_database_owner' and (
    r.oid in (
      select s.refobjid from pg_catalog.pg_shdepend s join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
      where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and ${depends}
        and (s.dbid = d.oid or (s.dbid = 0 and s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass and s.objid = d.oid)))
    or r.oid in (select datdba from pg_catalog.pg_database where datname = pg_catalog.current_database())
    or r.oid in (select relowner from pg_catalog.pg_class where oid >= 16384)
    or r.oid in (select nspowner from pg_catalog.pg_namespace where oid >= 16384)
    or r.oid in (select proowner from pg_catalog.pg_proc where oid >= 16384)
    or r.oid in (select typowner from pg_catalog.pg_type where oid >= 16384)
    or r.oid in (select lomowner from pg_catalog.pg_largeobject_metadata)
  ) order by r.rolname`;

/** Owners and everybody named in privileges or policies. */
const rolesQuery = rolesQueryOf('true');

const ownersQuery = rolesQueryOf(`s.deptype = 'o'`);

const policyRolesQuery = `
  select distinct r.rolname as name from pg_catalog.pg_policy p join pg_catalog.pg_roles r on r.oid = any (p.polroles) order by 1`;

/** The version the system's library has now: the one by which the data is sorted here, whatever was recorded at creation. */
async function collationVersion(connection: Connection, version: number): Promise<string | null> {
  if (version < 150_000) return null;
  return await connection.value<string | null>(
    `select pg_catalog.pg_database_collation_actual_version(oid) from pg_catalog.pg_database where datname = pg_catalog.current_database()`,
  );
}

async function systemIdentifier(connection: Connection, mayRead: boolean): Promise<string | null> {
  if (!mayRead) return null;
  return await connection.value(`select system_identifier::text from pg_catalog.pg_control_system()`);
}
