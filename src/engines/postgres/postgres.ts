import type { Database, Engine } from '../engine.ts';
import { createAccess, type Access } from './access.ts';
import { parseDatabaseUrl, type DatabaseSettings } from './database-options.ts';
import { server } from './faults.ts';
import { recognise } from './recognise.ts';

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
    ready: async (what, signal) => (await import('./ready.ts')).ready(access, what, signal),
    collations: {
      databases: async (signal) => (await import('./collations.ts')).connectableDatabases(access, signal),
      check: async (signal) => (await import('./collations.ts')).checkCollations(access, signal),
      fix: async (options, signal) => (await import('./fix-collations.ts')).fixCollations(access, options, signal),
    },
    clockAhead: async (signal) => {
      const { clockAhead } = await import('./clock.ts');
      await using connection = await access.connect(signal, { application: 'holdfast check' });
      return await clockAhead(access, connection);
    },
    agedRows: {
      find: async (what, signal) => (await import('./aged-rows.ts')).findAged(access, what, signal),
      remove: async (table, options, signal) =>
        (await import('./aged-rows.ts')).removeAged(access, table, options, signal),
    },
    exclusions: {
      find: async (signal) => (await import('./exclusions.ts')).findExcluded(access, signal),
      without: () => databaseOf(access.complete()),
    },
    identity: async (signal) => (await import('./target.ts')).identity(access, signal),
    probe: async (signal) => (await import('./target.ts')).probe(access, signal),
    open: async (place, signal) => (await import('./dump.ts')).openSnapshot(access, place, signal),

    server: async (signal) => (await import('./target.ts')).serverFacts(access, signal),
    target: async (signal) => (await import('./target.ts')).targetFacts(access, signal),
    count: async (what, signal) => {
      const { countDatabase } = await import('./counts.ts');
      await using session = await access.connect(signal, { application: 'holdfast count' });
      return await countDatabase(session, what);
    },
    filled: async (wanted, signal) => (await import('./exclusions.ts')).filledAmong(access, wanted, signal),
    select: async (query, signal) => (await import('./ask.ts')).select(access, query, signal),
    adjust: async (statements, signal) => (await import('./ask.ts')).adjust(access, statements, signal),
    ask: async (queries, signal) => (await import('./ask.ts')).ask(access, queries, signal),

    recognise,
    readThrough: async (dump, signal) => (await import('./read-through.ts')).readThrough(access, dump, signal),
    filesFor: async (dump, scope, signal) => (await import('./dump-files.ts')).filesFor(dump, scope, signal),
    contents: async (dump, signal) => (await import('./read-through.ts')).contents(dump, signal),
    brings: async (dump, signal) => (await import('./read-through.ts')).brings(dump, signal),

    obstacles: async (ahead, signal) => (await import('./obstacles.ts')).obstacles(access, ahead, signal),
    consequences: async (dump, options, signal) =>
      (await import('./consequences.ts')).consequences(access, dump, options, signal),
    create: async (like, note, signal) => (await import('./create.ts')).create(access, like, note, signal),
    dress: async (like, signal) => (await import('./create.ts')).dress(access, like, signal),
    load: async (dump, options, signal) => (await import('./load.ts')).load(access, dump, options, signal),
    analyze: async (signal) => (await import('./load.ts')).analyze(access, signal),
    state: async ({ scope }, signal) => (await import('./state.ts')).stateOf(access, scope, signal),
    drop: async (options, signal) => (await import('./create.ts')).drop(access, options, signal),
    swap: async (names, sessions, signal) => (await import('./swap.ts')).swap(access, names, sessions, signal),
    replace: async (dump, options, expected, signal, beforeCommit) =>
      (await import('./replace.ts')).replace(access, dump, { options, expected, beforeCommit }, signal),
    leftovers: async (signal) => (await import('./create.ts')).leftovers(access, signal),
    temporary: async (like, signal) => {
      const { access: other, ...resource } = await (await import('./temporary.ts')).openTemporary(access, like, signal);
      return { ...databaseOf(other), ...resource };
    },
  };
}
