import { availableParallelism } from 'node:os';
import { largeWrites } from '../../../base/large-writes.ts';
import type { Counts, Snapshot, TableCount } from '../../engine.ts';
import { viaOf, type Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { mayLockAll, readAccount } from '../look/account.ts';
import { changedTexts, lostChoices } from './changed-texts.ts';
import { chooseFormat } from './choose-format.ts';
import { countTables, readSequences, settle } from '../look/counts.ts';
import { onlyInDirectory, planDump } from './plan.ts';
import { dumpPart } from './parts.ts';
import { toolError } from '../connect/errors.ts';
import { readFacts } from '../look/facts.ts';
import { roundedFloats } from '../look/float-digits.ts';
import { refuseHalfSwapped } from '../swap/half-swap.ts';
import { keptNames } from '../connect/kept-names.ts';
import { takeMoment, type Moment } from './moment.ts';
import { listed } from '../connect/names.ts';
import { lookAhead, preflightError } from '../look/preflight.ts';
import { flavourOf, numberOf } from '../connect/server-version.ts';
import { startDump, type StartedDump } from './started-tool.ts';
import { storedAsWritten } from '../look/stored-as-written.ts';
import {
  listRelations,
  livesElsewhere,
  select,
  type DumpedTable,
  type Relation,
  type Selection,
} from '../look/tables.ts';
import { changedPlaces, tablePlaces } from '../look/table-places.ts';
import { toolStart } from '../connect/tool-command.ts';
import { seriesOf } from '../connect/tool-version.ts';
import { watchLocks } from './watch-locks.ts';

/** Checks everything that can be known beforehand, then opens the snapshot and says what the dump will consist of. */
export async function openSnapshot(
  access: Access,
  place: { folders: boolean },
  signal: AbortSignal,
): Promise<Snapshot> {
  const { dump } = access.settings;
  const { logger } = access.context;
  const { database } = access.address;
  await using opened = new AsyncDisposableStack();
  const warnings: string[] = [];
  const container = await access.container(signal);
  if (container?.foundBy === 'image')
    warnings.push(`the container ${container.name} was only guessed by its image; name it under via.container`);
  // What needs no server is found out while that is being reached. Whoever asks later is told what went wrong.
  const widening = largeWrites(signal);
  const found = Promise.allSettled([widening, access.lookForTools('dump', signal)]);
  opened.defer(async () => void (await found));
  const session = opened.use(await access.connect(signal));
  await refuseHalfSwapped(session, database);
  const account = await readAccount(session);
  const version = await session.value('SELECT VERSION()');
  const flavour = flavourOf(version);
  const tool = await access.tool('dump', session, signal);
  const selection = select(await listRelations(session, database), dump.exclude);
  const facts = await readFacts(session, selection.relations, { version: tool.version, via: viaOf(container) });
  const ahead = await lookAhead(session, account, selection, { flavour, tool: tool.flavour });
  const problem = preflightError(ahead.problems, database);
  if (problem) throw problem;
  warnings.push(...ahead.warnings, ...selection.unused.map((pattern) => `dump.exclude: ${pattern} matches nothing`));
  if (tool.flavour !== flavour) {
    warnings.push(
      `the dump was made by MariaDB's ${tool.version} tool, as there is none of MySQL there: install MySQL's own client tools`,
    );
  } else if (seriesOf(tool.version) < seriesOf(numberOf(version))) {
    warnings.push(
      `the dump tool (${tool.version}) is older than the server (${numberOf(version)}), and may not know what is new there`,
    );
  }

  const tables = selection.relations.filter(({ kind }) => kind === 'table');
  const sequences = selection.relations.filter(({ kind }) => kind === 'sequence');
  const mayLock = mayLockAll(account, flavour);
  const format = chooseFormat(dump, {
    sizeBytes: facts.sizeBytes,
    tables: tables.length,
    folders: place.folders,
    locks: mayLock,
    splits: onlyInDirectory(tool, selection, mayLock && dump.jobs !== 1),
    cpus: availableParallelism(),
  });
  logger.log('info', `dump of ${database}: ${format.format}, ${format.reason}`, {
    ...format,
    tool: tool.version,
    server: facts.serverVersion,
  });

  // The script says where it comes from, and the names within it are written as the server keeps them.
  const kept = (await keptNames(session))(database);
  const asWritten = (some: readonly Relation[], from: Connection) =>
    flavour === 'mariadb' && tool.flavour === 'mariadb' ? storedAsWritten(from, database, some) : none;
  const plan = planDump({ tool, format, selection, asWritten: await asWritten(tables, session), database: kept });
  warnings.push(...plan.warnings);
  const folder = opened.use(await access.folder());
  // Ends the tools and sessions of this snapshot, whoever gives up first.
  const life = new AbortController();
  const within = AbortSignal.any([signal, life.signal]);
  const started: StartedDump[] = [];
  const widen = await widening;
  opened.defer(async () => {
    life.abort();
    await Promise.allSettled(started.map(({ output }) => closed(output)));
  });
  const begin = async () => {
    const call = { address: access.address, encrypted: session.encrypted, folder: folder.path, fed: false };
    for (const { args, asStored } of plan.calls) {
      const { command, opening } = await toolStart(tool, args, call);
      // In a container, what writes to the pipe is another program than the tool.
      started.push(
        startDump(
          { command: opening ? command : widen(command), opening },
          {
            signal: within,
            asStored,
            onStderr: (line) => listen(access, warnings, line),
            explain: (error) => toError(toolError(error, access.address)),
          },
        ),
      );
    }
    await Promise.all(started.map(({ begun }) => begun));
  };
  // Before the tool can have read any: between this and a second reading after the dump lies what it saw.
  const positions = await readSequences(session, database, sequences);
  const places = await tablePlaces(session, flavour);
  const moment = await takeMoment(
    {
      access,
      mayLock,
      tables: rowsOf(selection),
      begin: (inner) => unlessAborted(begin(), inner),
    },
    opened,
    within,
  );
  const watching = watchLocks(session, dump.lockTimeoutMs, (error) => life.abort(error), within);
  opened.defer(async () => {
    life.abort();
    await watching;
  });
  const parts = dumpPart({
    access,
    tool,
    format,
    plan,
    started,
    folder: folder.path,
    encrypted: session.encrypted,
    warnings,
    exchanged: async (later) => {
      if (places === null) return [];
      await using fresh = await access.connect(later);
      const now = await tablePlaces(fresh, flavour);
      const names = tables.map(({ name }) => name);
      return now === null ? [] : changedPlaces(places, now, kept, names);
    },
    altered: async (later) => {
      if (!plan.calls.some(({ asStored }) => asStored)) return [];
      await using fresh = await access.connect(later);
      const now = rowsOf(select(await listRelations(fresh, database), dump.exclude));
      const still = await asWritten(now, fresh);
      return now.filter(({ name }) => plan.isAsStored(name) && !still.has(name)).map(({ name }) => name);
    },
  });
  const resources = opened.move();
  return {
    facts,
    snapshot: { isolation: moment.isolation, lsn: null },
    warnings,
    parts: (later) => parts(later),
    count: async (later) => {
      using _ = endWith(later, life);
      const filled = rowsOf(selection).filter((each) => !livesElsewhere(each));
      const wanted = dump.rowCounts === 'exact' ? filled : [];
      const counted = await countIn(moment, database, plan.asDumped(wanted), dump.fingerprints, warnings);
      for (const look of [roundedFloats, changedTexts, lostChoices]) {
        const told = await look(moment.sessions[0], database, plan.asDumped(wanted));
        if (told !== null) warnings.push(told);
      }
      const byName = new Map(counted.map((each) => [each.name, each]));
      return { tables: tables.map(({ name }) => byName.get(name) ?? uncounted(name)), sequences: positions };
    },
    settleSequences: async (counts: Counts, later) => {
      if (counts.sequences.length === 0) return counts;
      await using fresh = await access.connect(later);
      return settle(counts, await readSequences(fresh, database, sequences));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Tables that are dumped with their rows. */
function rowsOf({ relations, withoutRows }: Selection): Relation[] {
  return relations.filter(({ kind, name }) => kind === 'table' && !withoutRows.has(name));
}

/** In both of two sessions, where a table may have changed between them: only what is the same in both is what the dump holds. */
async function countIn(
  { sessions: [first, second] }: Moment,
  database: string,
  tables: readonly DumpedTable[],
  fingerprints: boolean,
  warnings: string[],
): Promise<TableCount[]> {
  const before = await countTables(first, database, tables, fingerprints);
  if (!second) return before;
  const after = await countTables(second, database, tables, fingerprints);
  const moving: string[] = [];
  const settled = before.map((count, index) => {
    const other = after[index];
    if (other?.rows === count.rows && other.fingerprint === count.fingerprint) return count;
    moving.push(count.name);
    return uncounted(count.name);
  });
  if (moving.length > 0)
    warnings.push(
      `not counted, as they changed in the moment of the snapshot and the server could not be locked: ${listed(moving)}`,
    );
  return settled;
}

function uncounted(name: string): TableCount {
  return { schema: '', name, rows: null, fingerprint: null };
}

const none: ReadonlySet<string> = new Set();

const mostWarnings = 50;

function listen(access: Access, warnings: string[], line: string): void {
  access.context.logger.log('debug', line);
  if (/warning/i.test(line) && warnings.length < mostWarnings && !warnings.includes(line))
    warnings.push(line.slice(0, 500));
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => reject(toError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** A later caller's signal ends the whole snapshot. */
function endWith(signal: AbortSignal, life: AbortController): Disposable {
  const stop = () => life.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', stop) };
}

async function closed(output: StartedDump['output']): Promise<void> {
  if (output.closed) return;
  await new Promise<void>((resolve) => {
    output.once('close', () => resolve());
    output.destroy();
  });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
