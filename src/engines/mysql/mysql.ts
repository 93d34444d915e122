import type { Database, Engine, EngineName } from '../engine.ts';
import { createAccess, type Access } from './connect/access.ts';
import { parseDatabaseUrl, type DatabaseSettings } from './connect/database-options.ts';
import { server } from './connect/faults.ts';
import { recognise } from './read/recognise.ts';

export const mysql = engineCalled('mysql');
export const mariadb = engineCalled('mariadb');

/** One engine for both products: which one a server is, the server says. */
function engineCalled(name: 'mysql' | 'mariadb'): Engine<DatabaseSettings> {
  return {
    name,
    formats: ['directory', 'plain'],
    connect: (settings, context) => databaseOf(name, createAccess(settings, context)),
  };
}

const reserved = ['mysql', 'sys', 'information_schema', 'performance_schema'];

/** Each part is loaded when it is first used: a command that needs one starts without the others. */
function databaseOf(engine: EngineName, access: Access): Database {
  const { address } = access;
  return {
    engine,
    capabilities: { defaultSchema: null, inPlace: false, temporary: true, file: false, reserved },
    name: address.database,
    title: `${address.database} on ${server(address)} as ${address.user}`,
    named: (name) => databaseOf(engine, access.named(name)),
    at: (url) => databaseOf(engine, access.at(parseDatabaseUrl(url))),

    check: async (signal) => (await import('./check.ts')).checkDatabase(access, signal),
    ready: async (what, signal) => (await import('./connect/ready.ts')).ready(access, what, signal),
    clockAhead: async (signal) => {
      const { clockAhead } = await import('./connect/ready.ts');
      await using session = await access.connect(signal);
      return await clockAhead(access, session);
    },
    exclusions: {
      find: async (signal) => (await import('./look/exclusions.ts')).findExcluded(access, signal),
      without: () => databaseOf(engine, access.complete()),
    },
    identity: async (signal) => (await import('./load/target.ts')).identity(access, signal),
    probe: async (signal) => (await import('./load/target.ts')).probe(access, signal),
    open: async (place, signal) => (await import('./dump/dump.ts')).openSnapshot(access, place, signal),

    server: async (signal) => (await import('./load/target.ts')).serverFacts(access, signal),
    target: async (signal) => (await import('./load/target.ts')).targetFacts(access, signal),
    count: async (what, signal) => {
      const { countDatabase } = await import('./look/counts.ts');
      await using session = await access.connect(signal);
      return await countDatabase(session, what);
    },
    filled: async (wanted, signal) => (await import('./look/exclusions.ts')).filledAmong(access, wanted, signal),
    select: async (query, signal) => (await import('./connect/ask.ts')).select(access, query, signal),
    ask: async (queries, signal) => (await import('./connect/ask.ts')).ask(access, queries, signal),

    recognise,
    readThrough: async (dump, signal) => (await import('./read/read-through.ts')).readThrough(dump, signal),
    filesFor: async (dump, scope, signal) => (await import('./read/read-through.ts')).filesFor(dump, scope, signal),
    contents: async (dump, signal) => (await import('./read/read-through.ts')).contents(dump, signal),
    brings: async (dump, signal) => (await import('./read/read-through.ts')).brings(dump, signal),

    obstacles: async (ahead, signal) => (await import('./swap/swap.ts')).swapObstacles(access, ahead, signal),
    consequences: async (_dump, _options, signal) => (await import('./load/load.ts')).consequences(access, signal),
    create: async (like, note, signal) => (await import('./load/create.ts')).create(access, like, note, signal),
    dress: async (_like, signal) => (await import('./load/create.ts')).dress(access, signal),
    load: async (dump, options, signal) => (await import('./load/load.ts')).load(access, dump, options, signal),
    analyze: async (signal) => (await import('./load/load.ts')).analyze(access, signal),
    state: async (_wish, signal) => (await import('./look/state.ts')).stateOf(access, signal),
    drop: async (options, signal) => (await import('./load/create.ts')).drop(access, options, signal),
    swap: async (names, sessions, signal) => (await import('./swap/swap.ts')).swap(access, names, sessions, signal),
    halfSwap: {
      find: async (signal) => {
        const { findHalfSwap } = await import('./swap/half-swap.ts');
        await using session = await access.connect(signal, { database: null });
        return await findHalfSwap(session, address.database);
      },
      refuse: async (signal) => {
        const { refuseHalfSwapped } = await import('./swap/half-swap.ts');
        await using session = await access.connect(signal, { database: null });
        await refuseHalfSwapped(session, address.database);
      },
      takeBack: async (signal) => (await import('./swap/half-swap.ts')).takeBackHalf(access, signal),
    },
    replace: async (dump, options, _expected, signal) =>
      (await import('./swap/replace.ts')).replace(access, dump, options, signal),
    leftovers: async (signal) => (await import('./load/create.ts')).leftovers(access, signal),
    temporary: async (like, signal) => {
      const { access: other, ...resource } = await (
        await import('./temporary/temporary.ts')
      ).openTemporary(access, like, signal);
      return { ...databaseOf(engine, other), ...resource };
    },
  };
}
