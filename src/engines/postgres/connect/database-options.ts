import { z } from 'zod';
import { duration, text, wholeNumber } from '../../option-types.ts';
import { expectWhole, joinServer, serverAddress } from '../../shared/server-settings.ts';
import type { Address } from './connection.ts';
import { readDatabaseUrl } from './database-url.ts';
import type { SslMode } from './tls.ts';

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

const usual = { host: 'localhost', port: 5432, user: 'postgres' };

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
    const parts = joinServer(input, input.url === undefined ? null : readDatabaseUrl(input.url), (path, message) => {
      context.issues.push({ code: 'custom', input, path, message });
    });
    return { engine: 'postgres', address: serverAddress(parts, usual), tools: toolsOf(input.tools) };
  });

/** An address given as a text, such as the target of a restore. */
export function parseDatabaseUrl(url: string): Address {
  const read = readDatabaseUrl(url);
  expectWhole(read, 'postgres');
  return serverAddress(read.parts, usual);
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
