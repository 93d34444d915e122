import { z } from 'zod';
import { duration, text, wholeNumber } from '../../option-types.ts';
import {
  differ,
  expectWhole,
  joinServer,
  saidTwice,
  serverAddress,
  type ServerParts,
  type TellProblem,
} from '../../shared/server-settings.ts';
import type { Address } from './connection.ts';
import { readDatabaseUrl } from './database-url.ts';
import type { SslMode } from './tls.ts';

export interface DatabaseSettings {
  engine: 'mysql' | 'mariadb';
  address: Address;
  tools: ToolSettings;
}

/** Where the client tools are, as far as the operator says; null is looked for. */
export interface ToolSettings {
  folder: string | null;
  dump: string | null;
  client: string | null;
}

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const satisfies SslMode[];
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

const toolsSchema = z.union([text, z.strictObject({ dump: text.optional(), client: text.optional() })]);

const usual = { host: 'localhost', port: 3306, user: 'root' };

export const databaseSchema = z
  .strictObject({
    engine: z.enum(['mysql', 'mariadb']),
    url: z.string().optional().meta({ description: 'mysql://user:password@host:port/name or mariadb://...' }),
    host: text.optional().meta({ description: 'A host name or an address; default localhost.' }),
    port: wholeNumber(1, 65_535).optional().meta({ description: 'Default 3306.' }),
    socket: text.optional().meta({ description: 'The path of a unix socket, instead of host and port.' }),
    name: text.optional(),
    user: text.optional().meta({ description: 'Default root.' }),
    password: z.string().optional(),
    ssl: sslSchema.optional().meta({ description: 'disable, prefer (default), require, verify-ca, verify-full.' }),
    connectTimeout: duration.optional(),
    tools: toolsSchema.optional().meta({
      description: 'The folder of the client tools, or the path of each: dump (mariadb-dump), client (mariadb).',
    }),
  })
  .transform((input, context): DatabaseSettings => {
    const problem: TellProblem = (path, message) => {
      context.issues.push({ code: 'custom', input, path, message });
    };
    const fromUrl = input.url === undefined ? null : readDatabaseUrl(input.url);
    const parts = joinServer(input, fromUrl, problem);
    const socket = input.socket ?? fromUrl?.parts.socket;
    if (differ(fromUrl?.parts.socket, input.socket)) problem(['socket'], saidTwice);
    if (input.socket !== undefined && (input.host !== undefined || input.port !== undefined))
      problem(['socket'], 'is instead of host and port; give one of them');
    if (socket !== undefined && !socket.startsWith('/')) problem(['socket'], 'must be a full path');
    return { engine: input.engine, address: addressOf(parts, socket), tools: toolsOf(input.tools) };
  });

/** An address given as a text, such as the target of a restore. */
export function parseDatabaseUrl(url: string): Address {
  const read = readDatabaseUrl(url);
  expectWhole(read, 'mysql');
  return addressOf(read.parts, read.parts.socket);
}

function addressOf(parts: ServerParts<SslMode>, socket: string | undefined): Address {
  return { ...serverAddress(parts, usual), socket: socket ?? null };
}

function toolsOf(tools: z.output<typeof toolsSchema> | undefined): ToolSettings {
  const paths = typeof tools === 'object' ? tools : {};
  return {
    folder: typeof tools === 'string' ? tools : null,
    dump: paths.dump ?? null,
    client: paths.client ?? null,
  };
}
