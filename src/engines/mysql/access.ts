import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Command } from '../../base/run-process.ts';
import type { EngineContext } from '../engine.ts';
import { connect, type Address, type Connection } from './connection.ts';
import { writeOptionFile } from './option-file.ts';
import type { MysqlSettings } from './options.ts';
import { flavourOf, numberOf } from './server-version.ts';
import { findTool, type ClientTool, type ToolName } from './tools.ts';

/** One database on one server as this engine reaches it: sessions by the driver, client tools, and a place for short-lived files. */
export interface Access {
  readonly address: Address;
  readonly settings: MysqlSettings;
  readonly context: EngineContext;
  /** `database`: null enters none. Default: the address's own. */
  connect(signal: AbortSignal, options?: { database: string | null }): Promise<Connection>;
  /** The tool that fits the server this connection leads to. */
  tool(name: ToolName, connection: Connection, signal: AbortSignal): Promise<ClientTool>;
  /** A private folder, removed when disposed. */
  folder(): Promise<{ path: string } & AsyncDisposable>;
  named(database: string): Access;
  /** The same database; dumps leave nothing of it out. */
  complete(): Access;
  at(address: Address): Access;
}

export function createAccess(settings: MysqlSettings, context: EngineContext): Access {
  return accessTo(settings.database.address, settings, context);
}

function accessTo(address: Address, settings: MysqlSettings, context: EngineContext): Access {
  return {
    address,
    settings,
    context,
    connect: async (signal, { database } = { database: address.database }) => {
      if (settings.via !== null) throw viaUnsupported();
      return connect(address, { signal, database });
    },
    tool: async (name, connection, signal) => {
      const version = await connection.value('SELECT VERSION()');
      const wish = { tool: name, flavour: flavourOf(version), version: numberOf(version) };
      return findTool(settings.database.tools, wish, signal);
    },
    folder: async () => {
      await mkdir(context.scratch, { recursive: true, mode: 0o700 });
      const path = await mkdtemp(join(context.scratch, 'mysql-'));
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    },
    named: (database) => accessTo({ ...address, database }, settings, context),
    complete: () => {
      const exclude = { tables: [], tableData: [] };
      return accessTo(address, { ...settings, dump: { ...settings.dump, exclude } }, context);
    },
    at: (other) => accessTo(other, settings, context),
  };
}

/** A call of a client tool; what it must not show lies in an option file inside the folder. */
export async function toolCommand(
  tool: ClientTool,
  args: readonly string[],
  call: { address: Address; encrypted: boolean; folder: string },
): Promise<Command> {
  const file = await writeOptionFile(call.folder, call.address, { flavour: tool.flavour, encrypted: call.encrypted });
  // The first argument, and it keeps the option files of machine and user out.
  return { program: tool.path, args: [`--defaults-file=${file}`, ...args], env: { LC_ALL: 'C' } };
}

function viaUnsupported(): HoldfastError {
  return new HoldfastError(
    'VIA_UNSUPPORTED',
    'the client tools of a container can only be used for PostgreSQL so far',
    {
      kind: 'usage',
      hint: "Leave out via, publish the server's port to this machine, and install mariadb-client or mysql-client here.",
    },
  );
}
