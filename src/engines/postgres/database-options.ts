import { z } from 'zod';
import { HoldfastError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { Address } from './connection.ts';
import { readDatabaseUrl, type AddressParts } from './database-url.ts';
import { duration, text, wholeNumber } from '../option-types.ts';
import type { SslMode, SslSettings } from './tls.ts';

export interface DatabaseSettings {
  engine: 'postgres';
  address: Address;
  tools: ToolSettings;
}

/** Where the client tools are, as far as the operator says; null is looked for. */
export interface ToolSettings {
  folder: string | null;
  pgDump: string | null;
  pgRestore: string | null;
  psql: string | null;
  pgDumpall: string | null;
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const satisfies SslMode[];
const sslMode = z.enum(sslModes);
const sslSchema = z.union([
  sslMode,
  z.strictObject({
    mode: sslMode.default('verify-full'),
    ca: text.optional(),
    cert: text.optional(),
    key: text.optional(),
  }),
]);

const toolsSchema = z.union([
  text,
  z.strictObject({
    pgDump: text.optional(),
    pgRestore: text.optional(),
    psql: text.optional(),
    pgDumpall: text.optional(),
  }),
]);

const defaults = { host: 'localhost', port: 5432, user: 'postgres', connectTimeoutMs: 10_000 };

export const databaseSchema = z
  .strictObject({
    engine: z.literal('postgres').optional(),
    url: z.string().optional().meta({ description: 'postgres://user:password@host:port/name?sslmode=...' }),
    host: text
      .optional()
      .meta({ description: 'A host name, an address or the folder of a unix socket; default localhost.' }),
    port: wholeNumber(1, 65_535).optional(),
    name: text.optional(),
    user: text.optional().meta({ description: 'Default postgres.' }),
    password: z.string().optional(),
    ssl: sslSchema.optional().meta({ description: 'As libpq: default prefer.' }),
    connectTimeout: duration.optional(),
    tools: toolsSchema.optional().meta({ description: 'The folder of the client tools, or the path of each.' }),
  })
  .transform((input, context): DatabaseSettings => {
    const problem = (path: string[], message: string) => {
      context.issues.push({ code: 'custom', input, path, message });
    };
    const fromUrl = input.url === undefined ? { parts: {}, problems: [] } : readDatabaseUrl(input.url);
    for (const message of fromUrl.problems) problem(['url'], message);
    const given = partsOf(input);
    for (const name of ['host', 'port', 'user', 'password', 'database', 'ssl', 'connectTimeoutMs'] as const) {
      if (differ(fromUrl.parts[name], given[name])) problem([keys[name]], 'says something else than url; give it once');
    }
    const parts = { ...fromUrl.parts, ...given };
    if (parts.database === undefined && fromUrl.problems.length === 0)
      problem(['name'], 'the name of the database is missing');
    const ssl = parts.ssl ?? noSsl;
    if (ssl.mode.startsWith('verify') && ssl.ca === null) {
      problem(['ssl'], `${ssl.mode} needs ca: a file with the authority's certificate, or system`);
    }
    if ((ssl.cert === null) !== (ssl.key === null)) problem(['ssl'], 'cert and key belong together');
    return { engine: 'postgres', address: addressOf(parts), tools: toolsOf(input.tools) };
  });

/** An address given as a text, such as the target of a restore. */
export function parseDatabaseUrl(url: string): Address {
  const { parts, problems } = readDatabaseUrl(url);
  const missing = parts.database === undefined && problems.length === 0 ? ['the name of the database is missing'] : [];
  const [first] = [...problems, ...missing];
  if (first !== undefined) {
    throw new HoldfastError('DATABASE_URL_WRONG', `the address of the database cannot be used: ${first}`, {
      kind: 'usage',
      hint: 'Write it as postgres://user:password@host:port/name, special characters percent-encoded.',
    });
  }
  return addressOf(parts);
}

const keys = {
  host: 'host',
  port: 'port',
  user: 'user',
  password: 'password',
  database: 'name',
  ssl: 'ssl',
  connectTimeoutMs: 'connectTimeout',
} as const;

const noSsl: SslSettings = { mode: 'prefer', ca: null, cert: null, key: null };

interface Input {
  host?: string | undefined;
  port?: number | undefined;
  name?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  ssl?: z.output<typeof sslSchema> | undefined;
  connectTimeout?: number | undefined;
}

function partsOf(input: Input): AddressParts {
  const { host, port, name, user, password, ssl, connectTimeout } = input;
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

function sslOf(ssl: z.output<typeof sslSchema>): SslSettings {
  if (typeof ssl === 'string') return { ...noSsl, mode: ssl };
  return { mode: ssl.mode, ca: ssl.ca ?? null, cert: ssl.cert ?? null, key: ssl.key ?? null };
}

function differ(left: unknown, right: unknown): boolean {
  return left !== undefined && right !== undefined && JSON.stringify(left) !== JSON.stringify(right);
}

function addressOf(parts: AddressParts): Address {
  return {
    host: parts.host ?? defaults.host,
    port: parts.port ?? defaults.port,
    user: parts.user ?? defaults.user,
    password: parts.password === undefined ? null : new Secret(parts.password),
    database: parts.database ?? '',
    ssl: parts.ssl ?? noSsl,
    connectTimeoutMs: parts.connectTimeoutMs ?? defaults.connectTimeoutMs,
  };
}

function toolsOf(tools: z.output<typeof toolsSchema> | undefined): ToolSettings {
  const paths = typeof tools === 'object' ? tools : {};
  return {
    folder: typeof tools === 'string' ? tools : null,
    pgDump: paths.pgDump ?? null,
    pgRestore: paths.pgRestore ?? null,
    psql: paths.psql ?? null,
    pgDumpall: paths.pgDumpall ?? null,
  };
}
