import type { Database, Engine } from '../engine.ts';
import { createAccess, type Access } from './connect/access.ts';
import { parseDatabaseUrl, type DatabaseSettings } from './connect/database-options.ts';
import { server } from './connect/faults.ts';
import { recognise } from './read/recognise.ts';

export const postgres: Engine<DatabaseSettings> = {
  name: 'postgres',
  formats: ['custom', 'directory', 'tar', 'plain'],
  connect: (settings, context) => databaseOf(createAccess(settings, context)),
};

const reserved = ['postgres', 'template0', 'template1'];

/** Each part is loaded when it is first used: a command that needs one starts without the others. */
function databaseOf(access: Access): Database {
  const { address } = access;
  return {
    engine: 'postgres',
    capabilities: { defaultSchema: 'public', inPlace: true, temporary: true, file: false, reserved },
    name: address.database,
    title: `${address.database} on ${server(address)} as ${address.user}`,
    named: (name) => databaseOf(access.named(name)),
    at: (url) => databaseOf(access.at(parseDatabaseUrl(url))),

    check: async (signal) => (await import('./check.ts')).checkDatabase(access, signal),
    ready: async (what, signal) => (await import('./connect/ready.ts')).ready(access, what, signal),
    collations: {
      databases: async (signal) => (await import('./look/collations.ts')).connectableDatabases(access, signal),
      check: async (signal) => (await import('./look/collations.ts')).checkCollations(access, signal),
      fix: async (options, signal) => (await import('./load/fix-collations.ts')).fixCollations(access, options, signal),
    },
    clockAhead: async (signal) => {
      const { clockAhead } = await import('./connect/clock.ts');
      await using connection = await access.connect(signal, { application: 'holdfast check' });
      return await clockAhead(access, connection);
    },
    agedRows: {
      find: async (what, signal) => (await import('./look/aged-rows.ts')).findAged(access, what, signal),
      remove: async (table, options, signal) =>
        (await import('./look/aged-rows.ts')).removeAged(access, table, options, signal),
    },
    exclusions: {
      find: async (signal) => (await import('./dump/exclusions.ts')).findExcluded(access, signal),
      without: () => databaseOf(access.complete()),
    },
    identity: async (signal) => (await import('./load/target.ts')).identity(access, signal),
    probe: async (signal) => (await import('./load/target.ts')).probe(access, signal),
    open: async (place, signal) => (await import('./dump/dump.ts')).openSnapshot(access, place, signal),

    server: async (signal) => (await import('./load/target.ts')).serverFacts(access, signal),
    target: async (signal) => (await import('./load/target.ts')).targetFacts(access, signal),
    count: async (what, signal) => {
      const { countDatabase } = await import('./look/counts.ts');
      await using session = await access.connect(signal, { application: 'holdfast count' });
      return await countDatabase(session, what);
    },
    filled: async (wanted, signal) => (await import('./dump/exclusions.ts')).filledAmong(access, wanted, signal),
    select: async (query, signal) => (await import('./connect/ask.ts')).select(access, query, signal),
    adjust: async (statements, signal) => (await import('./connect/ask.ts')).adjust(access, statements, signal),
    ask: async (queries, signal) => (await import('./connect/ask.ts')).ask(access, queries, signal),

    recognise,
    readThrough: async (dump, signal) => (await import('./read/read-through.ts')).readThrough(access, dump, signal),
    filesFor: async (dump, scope, signal) => (await import('./read/dump-files.ts')).filesFor(dump, scope, signal),
    contents: async (dump, signal) => (await import('./read/read-through.ts')).contents(dump, signal),
    brings: async (dump, signal) => (await import('./read/read-through.ts')).brings(dump, signal),

    obstacles: async (ahead, signal) => (await import('./load/obstacles.ts')).obstacles(access, ahead, signal),
    consequences: async (dump, options, signal) =>
      (await import('./replace/consequences.ts')).consequences(access, dump, options, signal),
    create: async (like, note, signal) => (await import('./load/create.ts')).create(access, like, note, signal),
    dress: async (like, signal) => (await import('./load/create.ts')).dress(access, like, signal),
    load: async (dump, options, signal) => (await import('./load/load.ts')).load(access, dump, options, signal),
    analyze: async (signal) => (await import('./load/load.ts')).analyze(access, signal),
    state: async ({ scope }, signal) => (await import('./look/state.ts')).stateOf(access, scope, signal),
    drop: async (options, signal) => (await import('./load/create.ts')).drop(access, options, signal),
    swap: async (names, sessions, signal) => (await import('./load/swap.ts')).swap(access, names, sessions, signal),
    replace: async (dump, options, expected, signal, beforeCommit) =>
      (await import('./replace/replace.ts')).replace(access, dump, { options, expected, beforeCommit }, signal),
    leftovers: async (signal) => (await import('./load/create.ts')).leftovers(access, signal),
    temporary: async (like, signal) => {
      const { access: other, ...resource } = await (
        await import('./temporary/temporary.ts')
      ).openTemporary(access, like, signal);
      return { ...databaseOf(other), ...resource };
    },
  };
}
