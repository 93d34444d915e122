import { HoldfastError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { PemFiles } from './pem-files.ts';
import type { UrlParts } from './server-url.ts';

export interface Ssl<Mode extends string> extends PemFiles {
  mode: Mode;
}

/** What is said of a server, in its address or beside it. */
export interface ServerParts<Mode extends string> extends UrlParts {
  ssl?: Ssl<Mode>;
  connectTimeoutMs?: number;
}

export interface ServerAddress<Mode extends string> {
  host: string;
  port: number;
  user: string;
  password: Secret | null;
  database: string;
  ssl: Ssl<Mode>;
  connectTimeoutMs: number;
}

/** The keys of the configuration that every engine with a server has. */
export interface ServerKeys<Mode extends string> {
  host?: string | undefined;
  port?: number | undefined;
  name?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  ssl?: Mode | { mode: Mode; ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
  connectTimeout?: number | undefined;
}

export interface ReadUrl<Mode extends string> {
  parts: ServerParts<Mode>;
  problems: string[];
}

export type TellProblem = (path: string[], message: string) => void;

export const noSsl = { mode: 'prefer', ca: null, cert: null, key: null } as const;

const keyOf = {
  host: 'host',
  port: 'port',
  user: 'user',
  password: 'password',
  database: 'name',
  ssl: 'ssl',
  connectTimeoutMs: 'connectTimeout',
} as const satisfies Record<keyof ServerParts<string>, keyof ServerKeys<string>>;

/** Joins the address with what is written beside it, and tells what does not fit together. */
export function joinServer<Mode extends string>(
  keys: ServerKeys<Mode>,
  fromUrl: ReadUrl<Mode> | null,
  problem: TellProblem,
): ServerParts<Mode> {
  const { parts: url, problems } = fromUrl ?? { parts: {}, problems: [] };
  for (const message of problems) problem(['url'], message);
  const given = partsOf(keys);
  for (const part of Object.keys(keyOf) as (keyof typeof keyOf)[])
    if (differ(url[part], given[part])) problem([keyOf[part]], saidTwice);
  const parts = { ...url, ...given };
  if (parts.database === undefined && problems.length === 0) problem(['name'], noName);
  const ssl = parts.ssl ?? noSsl;
  if (ssl.mode.startsWith('verify') && ssl.ca === null)
    problem(['ssl'], `${ssl.mode} needs ca: a file with the authority's certificate, or system`);
  if ((ssl.cert === null) !== (ssl.key === null)) problem(['ssl'], 'cert and key belong together');
  return parts;
}

const noName = 'the name of the database is missing';
export const saidTwice = 'says something else than url; give it once';

export function differ(left: unknown, right: unknown): boolean {
  return left !== undefined && right !== undefined && JSON.stringify(left) !== JSON.stringify(right);
}

function partsOf<Mode extends string>(keys: ServerKeys<Mode>): ServerParts<Mode> {
  const { host, port, name, user, password, ssl, connectTimeout } = keys;
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(name === undefined ? {} : { database: name }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined || password === '' ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl: sslOf(ssl) }),
    ...(connectTimeout === undefined ? {} : { connectTimeoutMs: connectTimeout }),
  };
}

function sslOf<Mode extends string>(ssl: NonNullable<ServerKeys<Mode>['ssl']>): Ssl<Mode> {
  if (typeof ssl === 'string') return { ...noSsl, mode: ssl };
  return { mode: ssl.mode, ca: ssl.ca ?? null, cert: ssl.cert ?? null, key: ssl.key ?? null };
}

/** What nobody said is the usual. */
export function serverAddress<Mode extends string>(
  parts: ServerParts<Mode | 'prefer'>,
  usual: { host: string; port: number; user: string },
): ServerAddress<Mode | 'prefer'> {
  return {
    host: parts.host ?? usual.host,
    port: parts.port ?? usual.port,
    user: parts.user ?? usual.user,
    password: parts.password === undefined ? null : new Secret(parts.password),
    database: parts.database ?? '',
    ssl: parts.ssl ?? noSsl,
    connectTimeoutMs: parts.connectTimeoutMs ?? 10_000,
  };
}

/** An address given as a text, such as the target of a restore, must be whole by itself. */
export function expectWhole({ parts, problems }: ReadUrl<string>, scheme: string): void {
  const [first] = parts.database === undefined ? [...problems, noName] : problems;
  if (first === undefined) return;
  throw new HoldfastError('DATABASE_URL_WRONG', `the address of the database cannot be used: ${first}`, {
    kind: 'usage',
    hint: `Write it as ${scheme}://user:password@host:port/name, special characters percent-encoded.`,
  });
}
