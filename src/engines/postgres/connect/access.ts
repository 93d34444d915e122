import { rm } from 'node:fs/promises';
import { makeScratchFolder } from '../../../base/scratch.ts';
import type { EngineContext } from '../../engine.ts';
import { connect, type Address, type Connection, type ConnectOptions } from './connection.ts';
import { findContainer, tunnelThrough, type FoundContainer } from '../../shared/container.ts';
import { isPostgresImage } from './image.ts';
import type { PostgresSettings } from '../options.ts';
import { findTools, type ClientTools, type ToolWish } from './tools.ts';

/** One database on one server as this engine reaches it: sessions by the driver, client tools, and a place for short-lived files. */
export interface Access {
  readonly address: Address;
  readonly settings: PostgresSettings;
  readonly context: EngineContext;
  connect(signal: AbortSignal, options?: SessionOptions): Promise<Connection>;
  /** The container the tools run in, or null. Looked for once. */
  container(signal: AbortSignal): Promise<FoundContainer | null>;
  tools(wish: ToolWish, signal: AbortSignal): Promise<ClientTools>;
  /** A private folder, removed when disposed. */
  folder(): Promise<{ path: string } & AsyncDisposable>;
  /** The same way, another database. */
  named(database: string): Access;
  /** The same database; dumps leave nothing of it out. */
  complete(): Access;
  /** Another server, reached directly and with this machine's tools. */
  at(address: Address): Access;
}

export interface SessionOptions extends Pick<ConnectOptions, 'application' | 'searchPath'> {
  /** Instead of the address's own. */
  database?: string;
}

export function createAccess(settings: PostgresSettings, context: EngineContext): Access {
  return accessTo(settings.database.address, settings, context, { container: undefined });
}

/** Shared by all names on one server. */
interface Found {
  container: FoundContainer | null | undefined;
}

function accessTo(address: Address, settings: PostgresSettings, context: EngineContext, found: Found): Access {
  const container = async (signal: AbortSignal) => {
    if (found.container === undefined)
      found.container = await findContainer(settings.via, { server: address, isImage: isPostgresImage }, signal);
    return found.container;
  };
  return {
    address,
    settings,
    context,
    container,
    connect: async (signal, { database = address.database, ...options } = {}) => {
      const inside = await container(signal);
      const to = { ...address, database };
      return connect(to, { signal, ...options, tunnel: inside && tunnelThrough(inside, to, true) });
    },
    tools: async (wish, signal) => findTools(settings.database.tools, await container(signal), wish, signal),
    folder: async () => {
      const path = await makeScratchFolder(context.scratch, 'postgres-');
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    },
    named: (database) => accessTo({ ...address, database }, settings, context, found),
    complete: () => accessTo(address, withEverything(settings), context, found),
    at: (other) => accessTo(other, onThisMachine(settings), context, { container: null }),
  };
}

function withEverything(settings: PostgresSettings): PostgresSettings {
  return { ...settings, dump: { ...settings.dump, exclude: { tables: [], tableData: [] } } };
}

/** Paths of tools inside a container mean nothing outside. */
function onThisMachine(settings: PostgresSettings): PostgresSettings {
  if (settings.via === null) return settings;
  const tools = { folder: null, pgDump: null, pgRestore: null, psql: null, pgDumpall: null };
  return { ...settings, via: null, database: { ...settings.database, tools } };
}
