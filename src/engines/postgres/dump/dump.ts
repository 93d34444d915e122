import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Counts, Snapshot } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { chooseFormat, codecsFor } from './choose-format.ts';
import type { Connection } from '../connect/connection.ts';
import { countTables, readSequences, settle } from '../look/counts.ts';
import { dumpParts } from './parts.ts';
import { leftOutOf } from './exact-patterns.ts';
import { propertiesOf, readFacts, serverNumber } from '../look/facts.ts';
import { invalidIndexes } from '../look/invalid-indexes.ts';
import { findProblems, preflightError } from '../look/preflight.ts';
import { endSessions, onSession } from './sessions.ts';
import { startGlobals } from './globals.ts';
import { enterSnapshot, exportSnapshot } from './snapshot.ts';
import { switchedOff } from '../look/switched-keys.ts';
import { hasRows, selectRelations, type Relation, type Selection } from '../look/tables.ts';
import { hiddenMappings } from '../look/user-mappings.ts';

/** How long a dump waits for a safe serializable snapshot; only concurrent serializable writers make it wait at all. */
const snapshotWaitMs = 5000;

/** Checks everything that can be known beforehand, then opens the snapshot and says what the dump will consist of. */
export async function openSnapshot(
  access: Access,
  place: { folders: boolean },
  signal: AbortSignal,
): Promise<Snapshot> {
  const { dump } = access.settings;
  const { logger } = access.context;
  const application = `holdfast ${randomBytes(4).toString('hex')}`;
  await using opened = new AsyncDisposableStack();
  const warnings: string[] = [];
  const container = await access.container(signal);
  if (container?.foundBy === 'image')
    warnings.push(`the container ${container.name} was only guessed by its image; name it under via.container`);

  const ahead = lookAhead(access, signal);
  opened.defer(() => ahead);
  const holder = opened.use(await access.connect(signal, { application: `${application} snapshot` }));
  await holder.rows(`set lock_timeout = ${dump.lockTimeoutMs}`);
  const major = Math.floor((await serverNumber(holder)) / 10_000);
  const tools = await access.tools({ tools: ['pg_dump'], minimum: major, preferred: major }, signal);
  const globals = opened.use(startGlobals({ access, tools, holder, warnings, application }, signal));
  const [facts, codecs] = await Promise.all([
    readFacts(holder, { version: tools.version, via: container ? `container:${container.name}` : 'host' }),
    tools.codecs(codecsFor(dump), signal),
  ]);

  const selection = await selectRelations(holder, dump.exclude);
  const problem = preflightError(await findProblems(holder, selection), facts.name);
  if (problem) throw problem;
  warnings.push(...selection.unused.map((pattern) => `dump.exclude: ${pattern} matches nothing`));
  warnings.push(...(await hiddenMappings(holder)), ...(await invalidIndexes(holder, selection)));
  warnings.push(...switchedOff(propertiesOf(facts).switchedKeys));

  const snapshot = await exportSnapshot(holder, {
    tables: selection.relations.filter((each) => each.kind === 'r' || each.kind === 'p'),
    lockTimeoutMs: dump.lockTimeoutMs,
    waitMs: snapshotWaitMs,
  });
  warnings.push(...snapshot.warnings);
  // Now, before the tool can have read any: between this and a second reading after the dump lies what it saw.
  const sequences = await readSequences(holder, sequencesOf(selection, snapshot.standby));
  const counted = selection.relations.filter(hasRows);
  const format = chooseFormat(dump, {
    sizeBytes: facts.sizeBytes,
    tables: counted.length,
    codecs,
    toolVersion: tools.version,
    container: tools.container !== null,
    folders: place.folders,
    cpus: availableParallelism(),
  });
  logger.log('info', `dump of ${facts.name}: ${format.format}, ${format.reason}`, {
    ...format,
    tool: tools.version,
    server: facts.serverVersion,
  });

  const leftOut = await leftOutOf(holder, facts.encoding, selection);
  const { encoding } = facts;
  const plan = { access, tools, format, encoding, leftOut, snapshot, warnings, application, globals, holder };
  const parts = dumpParts(plan);
  const resources = opened.move();
  return {
    facts,
    snapshot: { isolation: snapshot.isolation, lsn: snapshot.lsn },
    warnings,
    parts: (later) => parts.open(later),
    count: async (later) => {
      const unread = (table: Relation) =>
        dump.rowCounts === 'none' || selection.withoutRows.has(table.oid) || (snapshot.standby && table.unlogged);
      await using connection = await access.connect(later, { application: `${application} count` });
      await enterSnapshot(connection, snapshot.id, dump.lockTimeoutMs);
      await countQuietly(connection);
      return { tables: await countReadable(connection, counted, unread, dump.fingerprints), sequences };
    },
    settleSequences: async (counts, later) => {
      if (counts.sequences.length === 0) return counts;
      const another = { access, application: `${application} count`, signal: later };
      const now = sequencesOf(selection, snapshot.standby);
      return onSession(holder, another, async (session) => settle(counts, await readSequences(session, now)));
    },
    [Symbol.asyncDispose]: async () => {
      await resources.disposeAsync();
      // A tool that was ended early has left its server process to notice by itself.
      if (parts.unfinished()) await endSessions(access, application).catch(() => undefined);
    },
  };
}

/** What a tool is and can do is remembered: asked while the server is being reached, it takes no time. */
async function lookAhead(access: Access, signal: AbortSignal): Promise<void> {
  try {
    const tools = await access.tools({ tools: ['pg_dump'], minimum: null, preferred: null }, signal);
    await tools.codecs(codecsFor(access.settings.dump), signal);
  } catch {
    // Whoever needs it is told.
  }
}

/** Counting runs beside the dump, which has better uses for the processors than a compiler and parallel workers for a count. */
async function countQuietly(connection: Connection): Promise<void> {
  await connection.rows(
    `select pg_catalog.set_config(name, case name when 'jit' then 'off' else '0' end, true)
     from pg_catalog.pg_settings where name in ('jit', 'max_parallel_workers_per_gather')`,
  );
}

async function countReadable(
  connection: Connection,
  tables: readonly Relation[],
  unread: (table: Relation) => boolean,
  fingerprints: boolean,
): Promise<Counts['tables']> {
  const counted = await countTables(
    connection,
    tables.filter((each) => !unread(each)),
    fingerprints,
  );
  const left = counted.values();
  return tables.map((table) => {
    const next = unread(table) ? undefined : left.next().value;
    return next ?? { schema: table.schema, name: table.name, rows: null, fingerprint: null };
  });
}

function sequencesOf({ relations, withoutRows }: Selection, standby: boolean): Relation[] {
  return relations.filter((each) => each.kind === 'S' && !withoutRows.has(each.oid) && !(standby && each.unlogged));
}
