import type { Database, Engine } from '../engine.ts';
import { createAccess, type Access } from './access.ts';
import { parseDatabaseUrl } from './database-url.ts';
import type { DatabaseSettings } from './options.ts';
import { recognise } from './recognise.ts';

export const sqlite: Engine<DatabaseSettings> = {
  name: 'sqlite',
  formats: ['file'],
  connect: (settings, context) => databaseOf(createAccess(settings, context)),
};

/** Each part is loaded when it is first used: a command that needs one starts without the others. */
function databaseOf(access: Access): Database {
  return {
    engine: 'sqlite',
    capabilities: { defaultSchema: null, inPlace: true, temporary: true, file: true, reserved: [] },
    name: access.name,
    title: access.path,
    named: (name) => databaseOf(access.named(name)),
    at: (address) => databaseOf(access.at(parseDatabaseUrl(address))),

    check: async (signal) => (await import('./check.ts')).checkDatabase(access, signal),
    // The file lies on this machine: there is no other clock.
    clockAhead: async () => 0,
    ready: async (what, signal) => (await import('./target.ts')).ready(access, what, signal),
    identity: async () => access.locate(),
    probe: async (signal) => (await import('./target.ts')).probe(access, signal),
    open: async (_place, signal) => (await import('./dump.ts')).openSnapshot(access, signal),

    server: async (signal) => (await import('./target.ts')).serverFacts(access, signal),
    target: async (signal) => (await import('./target.ts')).targetFacts(access, signal),
    count: async (what, signal) => (await import('./counts.ts')).countDatabase(access, what, signal),
    filled: async (wanted, signal) => (await import('./counts.ts')).filledTables(access, wanted, signal),
    select: async (query, signal) => (await import('./ask.ts')).select(access, query, signal),
    ask: async (queries, signal) => (await import('./ask.ts')).ask(access, queries, signal),

    recognise,
    readThrough: async (dump, signal) => (await import('./read-through.ts')).readThrough(dump, signal),
    contents: async (dump, signal) => (await import('./read-through.ts')).contents(dump, signal),
    brings: async (dump, signal) => (await import('./read-through.ts')).brings(dump, signal),
    filesFor: async () => null,

    obstacles: async (ahead) => {
      (await import('./load.ts')).expectWhole(ahead);
      return await (await import('./owner.ts')).ownerObstacles(access, ahead);
    },
    consequences: async (_dump, options, signal) =>
      (await import('./consequences.ts')).consequences(access, options, signal),
    create: async (_like, note, signal) => (await import('./create.ts')).create(access, note, signal),
    dress: async (like, signal) => (await import('./create.ts')).dress(access, like, signal),
    load: async (dump, options, signal) => (await import('./load.ts')).load(access, dump, options, signal),
    // What the planner knows of the tables lies in the file and came back with it.
    analyze: async () => undefined,
    state: async (wish, signal) => (await import('./state.ts')).stateOf(access, wish, signal),
    drop: async (options, signal) => (await import('./create.ts')).drop(access, options, signal),
    swap: async (names, _sessions, signal) => (await import('./swap.ts')).swap(access, names, signal),
    halfSwap: {
      find: async () => (await import('./half-swap.ts')).findHalfSwap(access),
      refuse: async () => (await import('./half-swap.ts')).refuseHalfSwapped(access),
      takeBack: async (signal) => (await import('./half-swap.ts')).takeBackHalf(access, signal),
    },
    replace: async (dump, options, expected, signal, beforeCommit) =>
      (await import('./replace.ts')).replace(access, dump, { options, expected, beforeCommit }, signal),
    leftovers: async (signal) => (await import('./create.ts')).leftovers(access, signal),
    temporary: async (_like, signal) => {
      const { access: other, ...resource } = await (await import('./temporary.ts')).openTemporary(access, signal);
      return { ...databaseOf(other), ...resource };
    },
  };
}
