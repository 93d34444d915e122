import { HoldfastError } from '../../../base/errors.ts';
import type { DatabaseFacts } from '../../engine.ts';
import { propertiesOf } from '../look/facts.ts';
import { displayName, quoteIdent, quoteLiteral } from '../connect/names.ts';

/** The statement that makes an empty database sort, compare and store text exactly as `like` does. */
export function createStatement(name: string, like: DatabaseFacts, serverMajor: number): string {
  const clauses = [`ENCODING ${quoteLiteral(like.encoding)}`, ...localeClauses(like, serverMajor)];
  const { tablespace } = propertiesOf(like);
  if (tablespace !== 'pg_default') clauses.push(`TABLESPACE ${quoteIdent(tablespace)}`);
  // template0: template1 may hold anything, and a new encoding or locale is only allowed from template0.
  return `CREATE DATABASE ${quoteIdent(name)} TEMPLATE template0 ${clauses.join(' ')}`;
}

function localeClauses(like: DatabaseFacts, serverMajor: number): string[] {
  const { localeProvider, ctype, locale, icuRules } = propertiesOf(like);
  const library = (collate: string) => [`LC_COLLATE ${quoteLiteral(collate)}`, `LC_CTYPE ${quoteLiteral(ctype)}`];
  if (localeProvider === 'libc') {
    const explicit = serverMajor >= 15 ? ['LOCALE_PROVIDER libc'] : [];
    return [...explicit, ...(like.collation === '' ? [] : library(like.collation))];
  }
  const needed = localeProvider === 'icu' ? 15 : 17;
  if (serverMajor < needed) {
    throw new HoldfastError(
      'LOCALE_UNKNOWN',
      `a server of version ${serverMajor} has no databases with the locale provider ${localeProvider}`,
      {
        kind: 'refused',
        hint: `Restore on a server of version ${needed} or newer.`,
      },
    );
  }
  const own = quoteLiteral(locale ?? like.collation);
  if (localeProvider === 'builtin') return ['LOCALE_PROVIDER builtin', `BUILTIN_LOCALE ${own}`, ...library(ctype)];
  const rules = icuRules !== null && serverMajor >= 16 ? [`ICU_RULES ${quoteLiteral(icuRules)}`] : [];
  return ['LOCALE_PROVIDER icu', `ICU_LOCALE ${own}`, ...rules, ...library(ctype)];
}

/** Privileges, settings, limit and comment of `like`, for the database `name`, whose owner it has already. */
export function dressStatements(name: string, like: DatabaseFacts, roles: ReadonlySet<string>): string[] {
  const database = quoteIdent(name);
  const { privileges, connectionLimit, template, comment } = propertiesOf(like);
  return [
    ...(privileges === null ? [] : privilegeStatements(database, like.owner, privileges, roles)),
    ...settingStatements(name, like, roles).map(({ statement }) => statement),
    ...(connectionLimit === -1 ? [] : [`ALTER DATABASE ${database} CONNECTION LIMIT ${connectionLimit}`]),
    ...(template ? [`ALTER DATABASE ${database} IS_TEMPLATE true`] : []),
    `COMMENT ON DATABASE ${database} IS ${comment === null ? 'NULL' : quoteLiteral(comment)}`,
  ];
}

/** What the server may refuse a role, or a newer server not know any more. */
export function settingStatements(
  name: string,
  like: DatabaseFacts,
  roles: ReadonlySet<string>,
): { title: string; statement: string }[] {
  const database = quoteIdent(name);
  const titled = (setting: string) => setting.slice(0, setting.indexOf('=')).split('.').map(displayName).join('.');
  const known = propertiesOf(like).roleSettings.filter(({ role }) => roles.has(role));
  return [
    ...like.settings.map((setting) => ({
      title: titled(setting),
      statement: `ALTER DATABASE ${database} SET ${assignment(setting)}`,
    })),
    ...known.map(({ role, setting }) => ({
      title: `${titled(setting)} for ${displayName(role)}`,
      statement: `ALTER ROLE ${quoteIdent(role)} IN DATABASE ${database} SET ${assignment(setting)}`,
    })),
  ];
}

type Privileges = NonNullable<ReturnType<typeof propertiesOf>['privileges']>;

function privilegeStatements(
  database: string,
  owner: string,
  privileges: Privileges,
  roles: ReadonlySet<string>,
): string[] {
  const grants = privileges
    .filter(({ grantee }) => grantee === null || roles.has(grantee))
    // Grants of others than the owner hang on grants to them, which come first.
    .toSorted((a, b) => Number(a.grantor !== owner) - Number(b.grantor !== owner))
    .map(({ grantee, privilege, grantable }) => {
      const to = grantee === null ? 'PUBLIC' : quoteIdent(grantee);
      return `GRANT ${privilege} ON DATABASE ${database} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
    });
  const ownerToo = owner === '' ? [] : [`REVOKE ALL ON DATABASE ${database} FROM ${quoteIdent(owner)}`];
  return [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`, ...ownerToo, ...grants];
}

/** These hold lists of names, already quoted where they need it; as one string they would become one name. */
const lists = new Set([
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'shared_preload_libraries',
  'local_preload_libraries',
  'unix_socket_directories',
  'datestyle',
  'log_destination',
]);

/** `name=value` as the server keeps it, for `SET`. */
function assignment(setting: string): string {
  const at = setting.indexOf('=');
  const [name, value] = [setting.slice(0, at), setting.slice(at + 1)];
  const variable = name.split('.').map(quoteIdent).join('.');
  if (!lists.has(name.toLowerCase())) return `${variable} TO ${quoteLiteral(value)}`;
  const items = splitList(value);
  return `${variable} TO ${items.length === 0 ? `''` : items.map(quoteLiteral).join(', ')}`;
}

/** `"$user", public` -> `$user`, `public` */
function splitList(value: string): string[] {
  return [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"\s][^,]*?))\s*(?:,|$)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  );
}
