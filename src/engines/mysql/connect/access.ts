import { rm } from 'node:fs/promises';
import { makeScratchFolder } from '../../../base/scratch.ts';
import type { EngineContext } from '../../engine.ts';
import { connect, type Address, type Connection } from './connection.ts';
import { findContainer, tunnelThrough, unreachableSocket, type FoundContainer } from '../../shared/container.ts';
import { isMysqlImage } from './image.ts';
import type { MysqlSettings } from '../options.ts';
import { flavourOf, numberOf } from './server-version.ts';
import { findTool, toolsThere, type ClientTool, type ToolName } from './tools.ts';

/** One database on one server as this engine reaches it: sessions by the driver, client tools, and a place for short-lived files. */
export interface Access {
  readonly address: Address;
  readonly settings: MysqlSettings;
  readonly context: EngineContext;
  /** `database`: null enters none. Default: the address's own. */
  connect(signal: AbortSignal, options?: { database: string | null }): Promise<Connection>;
  /** The tool that fits the server this connection leads to. */
  tool(name: ToolName, connection: Connection, signal: AbortSignal): Promise<ClientTool>;
  /** The container the tools run in, or null. Looked for once. */
  container(signal: AbortSignal): Promise<FoundContainer | null>;
  /** What they are is remembered: asked while the server is being reached, `tool` takes no time. Whoever needs one is told what went wrong. */
  lookForTools(name: ToolName, signal: AbortSignal): Promise<void>;
  /** A private folder, removed when disposed. */
  folder(): Promise<{ path: string } & AsyncDisposable>;
  named(database: string): Access;
  /** The same database; dumps leave nothing of it out. */
  complete(): Access;
  /** Another server, reached directly and with this machine's tools. */
  at(address: Address): Access;
}

export function createAccess(settings: MysqlSettings, context: EngineContext): Access {
  return accessTo(settings.database.address, settings, context, { container: undefined });
}

/** Shared by all names on one server. */
interface Found {
  container: FoundContainer | null | undefined;
}

function accessTo(address: Address, settings: MysqlSettings, context: EngineContext, found: Found): Access {
  const { tools } = settings.database;
  const container = async (signal: AbortSignal) => {
    if (found.container === undefined)
      found.container = await findContainer(settings.via, { server: address, isImage: isMysqlImage }, signal);
    return found.container;
  };
  return {
    address,
    settings,
    context,
    container,
    connect: async (signal, { database } = { database: address.database }) => {
      const inside = await container(signal);
      if (inside && address.socket !== null) throw unreachableSocket();
      return connect(address, { signal, database, tunnel: inside && tunnelThrough(inside, address, false) });
    },
    tool: async (name, connection, signal) => {
      const version = await connection.value('SELECT VERSION()');
      const wish = { tool: name, flavour: flavourOf(version), version: numberOf(version) };
      return findTool(tools, await container(signal), wish, signal);
    },
    lookForTools: async (name, signal) => {
      await toolsThere(tools, await container(signal), name, signal).catch(() => undefined);
    },
    folder: async () => {
      const path = await makeScratchFolder(context.scratch, 'mysql-');
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    },
    named: (database) => accessTo({ ...address, database }, settings, context, found),
    complete: () => {
      const exclude = { tables: [], tableData: [] };
      return accessTo(address, { ...settings, dump: { ...settings.dump, exclude } }, context, found);
    },
    at: (other) => accessTo(other, onThisMachine(settings), context, { container: null }),
  };
}

/** Paths of tools inside a container mean nothing outside. */
function onThisMachine(settings: MysqlSettings): MysqlSettings {
  if (settings.via === null) return settings;
  const tools = { folder: null, dump: null, client: null };
  return { ...settings, via: null, database: { ...settings.database, tools } };
}

/** Where the tools ran: on this machine, or in which container. */
export function viaOf(container: { name: string } | null): string {
  return container ? `container:${container.name}` : 'host';
}
