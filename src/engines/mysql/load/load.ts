import { availableParallelism } from 'node:os';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { inParallel } from '../../../base/parallel.ts';
import { formatBytes } from '../../../base/units.ts';
import type { LoadOptions, StoredDump } from '../../engine.ts';
import { refuseGuess } from '../../shared/container.ts';
import type { Access } from '../connect/access.ts';
import { readAccount, settableAccounts } from '../look/account.ts';
import { feedClient, type ClientCall } from '../connect/client.ts';
import type { Connection } from '../connect/connection.ts';
import { readIndex } from '../read/dump-index.ts';
import { easeRules } from './ease-rules.ts';
import { withoutValues } from '../connect/errors.ts';
import type { EventStatus } from '../read/event-status.ts';
import { describeFault } from '../connect/faults.ts';
import { exactly } from '../connect/kept-names.ts';
import { tornFromReplicas } from '../look/log-filters.ts';
import { asleepStatements } from '../look/mark.ts';
import { displayName, listed, quoteIn, shortened } from '../connect/names.ts';
import { filesFor, wholeFile, wholeScript } from '../read/read-through.ts';
import { rewriteScript, type ScriptRules } from '../read/script.ts';
import { listRelations } from '../look/tables.ts';

export interface Loaded {
  warnings: string[];
}

/** Loads a dump into the (new, empty) database. Stops at the first error; what a failed load leaves is the caller's to drop. */
export async function load(
  access: Access,
  dump: StoredDump,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Loaded> {
  refuseScript(dump, options);
  refuseGuess(await access.container(signal));
  await using session = await access.connect(signal);
  const tool = await access.tool('client', session, signal);
  await using folder = await access.folder();
  const said: string[] = [];
  const noted: Noted = {
    definers: new Map(),
    events: new Map(),
    named: [],
    outward: [],
    replication: false,
    longest: 0,
  };
  const packet = Number(await session.value('SELECT @@GLOBAL.max_allowed_packet'));
  const rules = await rulesFor(access, session, options, noted);
  const over = new AbortController();
  const call: ClientCall = {
    tool,
    address: access.address,
    encrypted: session.encrypted,
    folder: folder.path,
    signal: AbortSignal.any([signal, over.signal]),
    assignments: await easeRules(session),
    onStderr: (line) => {
      if (said.length < 50) said.push(withoutValues(line));
    },
  };
  try {
    if (dump.format === 'directory') await loadFolder(call, dump, options, rules);
    else await feedClient(call, rewriteScript(wholeScript(dump, call.signal), rules));
  } catch (error) {
    over.abort();
    throwIfAborted(signal);
    throw noted.longest > packet ? asTooLarge(error, access, packet) : error;
  }
  const { database } = access.address;
  // Whoever swaps it in must not wake them up with the others.
  if (passing.test(database)) {
    for (const statement of asleepStatements(database, eventsThatWere('asleep', noted))) await session.rows(statement);
  }
  const left =
    options.scope && dump.format === 'directory' ? ['triggers, routines, events and views are left out of a part'] : [];
  const gone = await eventsNotMade(session, database, noted);
  const warnings = [...said, ...left, ...gone, ...describe(noted, database)];
  const [live] = swappedIn.exec(database) ?? [];
  const torn = live === undefined ? null : await tornFromReplicas(session, live);
  return { warnings: torn === null ? warnings : [...warnings, torn] };
}

/** What a script cannot do, said before anything is touched. */
function refuseScript(dump: StoredDump, options: LoadOptions): void {
  if (!dump.trusted && !options.allowForeignScript) {
    throw new HoldfastError(
      'SCRIPT_FOREIGN',
      'a plain dump that was not made here is a script, and could do anything the user may',
      { kind: 'refused', hint: 'Read it first; then allow it with `--allow script`.' },
    );
  }
  if (options.scope && dump.format !== 'directory') {
    throw new HoldfastError('SCOPE_IN_SCRIPT', 'no single table can be taken out of a plain dump', {
      kind: 'refused',
      hint: 'Restore all of it beside the live database with `--into`, and copy what you need from there.',
    });
  }
}

interface Noted {
  /** By the account that acted until now, what it made. */
  definers: Map<string, string[]>;
  /** By name, what it was. */
  events: Map<string, EventStatus | null>;
  named: string[];
  /** Foreign keys into other databases. */
  outward: string[];
  replication: boolean;
  /** The largest statement with rows, in bytes. */
  longest: number;
}

/** The server closes the connection on what is too large for it, and says no word. */
function asTooLarge(error: unknown, { address: at }: Access, packet: number): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_CONNECTION_LOST') return error;
  return describeFault('packet', {
    at,
    message: `max_allowed_packet is ${formatBytes(packet)} there`,
    cause: error,
    errno: null,
  });
}

async function rulesFor(
  access: Access,
  session: Connection,
  { owners }: LoadOptions,
  noted: Noted,
): Promise<ScriptRules> {
  const account = await readAccount(session);
  const accounts = account.maySetDefiners ? await settableAccounts(session, account) : null;
  return {
    into: access.address.database,
    definer: (name) => {
      if (name === account.name) return null;
      // Whoever does not exist on this server makes every use of the object fail.
      const kept = owners === 'keep' && account.maySetDefiners && (accounts?.has(name) ?? true);
      return kept ? null : 'CURRENT_USER';
    },
    onDefiner: (name, object) => {
      noted.definers.set(name, [...(noted.definers.get(name) ?? []), object]);
    },
    onEvent: (name, status) => noted.events.set(name, status),
    onOwnName: (object) => noted.named.push(object),
    onRows: (bytes) => {
      noted.longest = Math.max(noted.longest, bytes);
    },
    onReplication: () => {
      noted.replication = true;
    },
    keepsKey: ({ table, database, parent }) => {
      noted.outward.push(`${displayName(table)} to ${displayName(database)}.${displayName(parent)}`);
      return !onlyTried.test(access.address.database);
    },
  };
}

/** Names that only live until a swap, see `nameBeside`. */
const passing = /_(?:restoring|drill|import)_\d{8}_\d{6}_[0-9a-f]{6}$/;
/** Of what a swap will make live: its name from then on. */
const swappedIn = /^.+(?=_restoring_\d{8}_\d{6}_[0-9a-f]{6}$)/s;
/** Of these, what never lives: nothing that does may have to wait for it. */
const onlyTried = /_(?:drill|import)_\d{8}_\d{6}_[0-9a-f]{6}$/;

function eventsThatWere(wanted: EventStatus, { events }: Noted): string[] {
  return [...events].filter(([, status]) => status === wanted).map(([name]) => name);
}

/** The server takes the statement of an event whose time is over, and makes none. */
async function eventsNotMade(session: Connection, database: string, { events }: Noted): Promise<string[]> {
  if (events.size === 0) return [];
  const rows = await session.rows<{ name: string }>(
    `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${await exactly(session, 'event_schema')} = ?`,
    [database],
  );
  const there = new Set(rows.map(({ name }) => name));
  const gone = [...events.keys()].filter((name) => !there.has(name));
  return gone.length === 0
    ? []
    : [`the time of these events is over, and the server made them no more: ${listed(gone)}`];
}

function describe(noted: Noted, into: string): string[] {
  const { definers, named, outward, replication } = noted;
  const warnings = [...definers].map(([account, objects]) => {
    return `what ${account} had defined belongs to the restoring user now (${account} is not on this server, or may not be set): ${shortened([...new Set(objects)])}`;
  });
  if (replication) {
    warnings.push(
      'what the dump says of replication (GTID_PURGED, SQL_LOG_BIN) was left out: what is restored reaches replicas like any other change',
    );
  }
  if (outward.length > 0 && !onlyTried.test(into)) {
    warnings.push(
      `foreign keys lead to tables of other databases, whose rows are not in the backup; the server checks what is deleted there against this database, too: ${shortened(outward)}`,
    );
  }
  if (passing.test(into)) return warnings;
  const events = eventsThatWere('enabled', noted);
  if (events.length > 0)
    warnings.push(`events are switched off here; ALTER EVENT ... ENABLE starts them: ${listed(events)}`);
  if (named.length > 0)
    warnings.push(
      `these name the database they come from in their text, and go on using it: ${shortened([...new Set(named)])}`,
    );
  return warnings;
}

async function loadFolder(call: ClientCall, dump: StoredDump, options: LoadOptions, rules: ScriptRules): Promise<void> {
  const { signal } = call;
  await using local = await dump.locally(signal, { only: await filesFor(dump, options.scope, signal) });
  const index = await readIndex(local.path);
  const feed = (file: string, within: AbortSignal) =>
    feedClient({ ...call, signal: within }, rewriteScript(wholeFile(local.path, file, index, within), rules));
  for (const file of index.sequences) await feed(file, signal);
  const { tables, jobs } = options.scope
    ? { tables: wantedTables(index.tables, options.scope.tables), jobs: 1 }
    : { tables: index.tables, jobs: options.jobs ?? Math.min(4, Math.max(2, availableParallelism())) };
  const over = new AbortController();
  await inParallel(new Set(tables.map(({ file }) => file)), jobs, async (file) => {
    await feed(file, AbortSignal.any([signal, over.signal])).catch((error: unknown) => {
      // The others are of no use any more. Theirs must not be the error that is told.
      if (!over.signal.aborted) over.abort(error);
      throw error;
    });
  });
  if (options.scope) return;
  for (const file of [...index.code, ...index.views]) await feed(file, signal);
}

function wantedTables<T extends { name: string }>(all: readonly T[], wanted: readonly { name: string }[]): T[] {
  return wanted.map(({ name }) => {
    const found = all.find((each) => each.name === name);
    if (found) return found;
    throw new HoldfastError('NOT_IN_DUMP', `the table ${displayName(name)} is not in the dump`, {
      kind: 'usage',
      hint: 'Check the name; upper and lower case count.',
    });
  });
}

/** Asked while it is planned. */
export async function consequences(access: Access, signal: AbortSignal): Promise<string[]> {
  await using session = await access.connect(signal, { database: null });
  const torn = await tornFromReplicas(session, access.address.database);
  return torn === null ? [] : [torn];
}

export async function analyze(access: Access, signal: AbortSignal): Promise<void> {
  await using session = await access.connect(signal);
  const { database } = access.address;
  for (const { name, kind } of await listRelations(session, database)) {
    if (kind === 'table') await session.rows(`ANALYZE LOCAL TABLE ${quoteIn(database, name)}`);
  }
}
