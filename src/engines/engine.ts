import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { TableName } from './table-name.ts';
import type { AgedRows, Collations, Exclusions } from './upkeep.ts';

export { tableTitle, type TableName } from './table-name.ts';
export type * from './upkeep.ts';

/**
 * The contract of a database engine. One folder per engine; recipes know only this file, which is one file because it is read as a whole.
 *
 * Every method takes a signal and, when it fires, must end all programs and server sessions it started before it rejects.
 * Errors are `HoldfastError`s with a stable code and a hint; foreign messages are translated inside the engine.
 */
export interface Engine<Own> {
  readonly name: EngineName;
  /** What `dump.format` may say, beside `auto`. */
  readonly formats: readonly DumpFormat[];
  /** Must not connect; everything happens when a method of the database is called. */
  connect(settings: EngineSettings<Own>, context: EngineContext): Database;
}

/** Everything an engine is told; `config` validates it and hands it over. */
export interface EngineSettings<Own> {
  /** The engine's own schema says what these are. */
  database: Own;
  via: ViaSettings;
  dump: DumpSettings;
}

export interface DumpSettings {
  format: 'auto' | DumpFormat;
  compression: 'auto' | Compression;
  jobs: 'auto' | number;
  /** For each part of the dump; null: no limit. */
  timeoutMs: number | null;
  lockTimeoutMs: number;
  rowCounts: 'exact' | 'none';
  fingerprints: boolean;
  /** Bytes per second read from the tool; null: as fast as it goes. */
  limit: number | null;
  /** `auto`: where the role may read them. */
  globals: 'auto' | boolean;
  /** Names of tables as pg_dump takes them: `*` and `?` match, double quotes take literally, a schema before a dot. */
  exclude: { tables: string[]; tableData: string[] };
}

/** Null: the client tools of this machine. `auto`: those of the container the database runs in, where there is one. */
export type ViaSettings = { container: string; engine?: ContainerEngine | undefined } | null;

export type ContainerEngine = 'docker' | 'podman';

export type EngineName = 'postgres' | 'mysql' | 'mariadb' | 'sqlite';

export interface EngineContext {
  clock: Clock;
  logger: Logger;
  /** A folder for short-lived files; created when needed, 0700. */
  scratch: string;
}

/** `file`: a database file as it is. What `directory` holds is the engine's business. */
export type DumpFormat = 'custom' | 'directory' | 'tar' | 'plain' | 'file';
export type Codec = 'none' | 'gzip' | 'bzip2' | 'xz' | 'lz4' | 'zstd';
export interface Compression {
  codec: Codec;
  level: number | null;
}

export interface TableCount extends TableName {
  /** Null when the rows were left out of the dump on purpose (`dump.exclude.tableData`) or counting was switched off. */
  rows: number | null;
  /** Order-independent digest of the table's content, or null when not asked for. */
  fingerprint: string | null;
}
export interface SequencePosition extends TableName {
  value: string;
  called: boolean;
  /** Set when the sequence moved while the dump ran: sequences do not obey snapshots, so any position up to here is right. */
  until?: string;
}
export interface Counts {
  tables: TableCount[];
  sequences: SequencePosition[];
}

/** The manifest's `database` block, without counts. */
export interface DatabaseFacts {
  engine: EngineName;
  name: string;
  serverVersion: string;
  toolVersion: string;
  via: string;
  encoding: string;
  collation: string;
  collationVersion: string | null;
  sizeBytes: number;
  owner: string;
  extensions: { name: string; version: string }[];
  /** `ALTER DATABASE ... SET` of the database itself, as `name=value`. */
  settings: string[];
  /** Roles that own something or are named in privileges; they must exist where objects keep their owners. */
  roles: string[];
  /** Those of them that own something: who restores must be able to act for them. For the others it is enough to exist. */
  owners: string[];
  /** Those of them that row security policies name: no option of a restore leaves them out. */
  policyRoles: string[];
  /** Whatever else the engine needs to create an equal database (locale provider, character type, privileges ...). */
  properties: Record<string, unknown>;
}

/** One artifact-to-be. A stream's end means its tool ended with status 0; anything else destroys it with an error. */
export type DumpPart =
  | {
      kind: 'stream';
      role: 'database' | 'globals';
      /** Base name in the backup's folder, such as `database.dump`; the archive adds the extensions of what it does to it. */
      name: string;
      format: DumpFormat;
      /** What the archive must compress it with; `none` when the tool already did (or nothing is wanted). */
      compression: Compression;
      /** What the tool compressed it with, for the manifest; null when it did not. */
      compressedByTool: Compression | null;
      open(signal: AbortSignal): Readable;
    }
  | {
      kind: 'folder';
      role: 'database';
      /** `database.dir` */
      name: string;
      format: 'directory';
      compressedByTool: Compression | null;
      /** Fills an existing, empty folder. Resolves only when the tool, all its workers and their sessions have ended well. */
      write(folder: string, signal: AbortSignal): Promise<void>;
    };

export interface Snapshot extends AsyncDisposable {
  readonly facts: DatabaseFacts;
  readonly snapshot: { isolation: string; lsn: string | null };
  /** Things to know that did not stop the dump; they end up in the manifest. Complete once the parts are consumed. */
  readonly warnings: string[];
  /** The parts in the order they should be stored; the next one is only asked for when the last is stored. */
  parts(signal: AbortSignal): AsyncIterable<DumpPart>;
  /** Exact counts and positions in the snapshot of the dump; safe to call while a part is being produced. */
  count(signal: AbortSignal): Promise<Counts>;
  /** Called when all parts are stored: positions of sequences that moved meanwhile get their `until`. */
  settleSequences(counts: Counts, signal: AbortSignal): Promise<Counts>;
}

/** A dump lying in an archive or anywhere else, as an engine wants to read it: digests checked, decrypted, decompressed. */
/** A file beside a dump, told by its name and its first bytes, without which the dump is not what its makers see. */
export interface RestOfDump {
  /** What its name has more than that of the dump. */
  ending: string;
  /** As hexadecimal digits. */
  starts: string;
  hint: string;
}

export interface StoredDump {
  readonly format: DumpFormat;
  /** False for dumps that Holdfast did not make: text is then not fed to an interpreter unless the operator says so. */
  readonly trusted: boolean;
  readonly rawBytes: number | null;
  /** Must fail at the end of the stream when the stored bytes are not those of the manifest. Not for `directory`. */
  open(signal: AbortSignal): Promise<Readable>;
  /**
   * The dump as a local file or folder the tools can seek in, fully checked; staged when it does not lie like that. Of a directory,
   * with `only`, just the files of these names (whatever extension the compression has added) are checked and sure to be there.
   */
  locally(
    signal: AbortSignal,
    options?: { only: readonly string[] | null },
  ): Promise<{ path: string } & AsyncDisposable>;
}

export interface DumpEntry {
  id: number;
  /** What it is in the tool's words: `TABLE`, `TABLE DATA`, `INDEX`, `SEQUENCE SET`, ... */
  kind: string;
  schema: string | null;
  name: string;
  owner: string | null;
  /** Of a partition: the table that it is a part of, and without which it does not come back alone. */
  partitionOf?: TableName;
}

export interface LoadOptions {
  /** Null: everything. Otherwise only these tables (with their data, indexes, constraints, own sequences) or schemas. */
  scope: { tables: TableName[]; schemas: string[] } | null;
  /** `none`: everything belongs to the restoring role and no privileges are restored. */
  owners: 'keep' | 'none';
  /** `skip` leaves row security policies out, where the roles they name do not exist; never for a restore that goes live. */
  policies: 'keep' | 'skip';
  /** Null: chosen by format and machine. */
  jobs: number | null;
  /** Feed a plain dump that is not ours to the interpreter. */
  allowForeignScript: boolean;
  /** Do so even with tools that are known to run commands a hostile dump hides. */
  allowUnpatchedTools: boolean;
  /** Load a dump that is not ours with a role whose rights reach beyond databases. */
  allowSuperuser: boolean;
  /** What was noted down of the database when it was dumped, and the dump does not say; null or absent: it was not made here. */
  facts?: DatabaseFacts | null;
}

/** Why loading (`tools`) or exchanging (`swap`) would be refused later, known before anything is touched. */
export interface Obstacle {
  stops: 'tools' | 'swap';
  reason: string;
}

export interface RestoreAhead {
  dump: StoredDump;
  mode: 'swap' | 'new' | 'in-place';
  /** This database exists, so a swap replaces it. */
  exists: boolean;
  /** Only a part is wanted. */
  scope: LoadOptions['scope'];
  owners: LoadOptions['owners'];
  allowUnpatchedTools: boolean;
}

export interface ServerFacts {
  version: string;
  role: string;
  superuser: boolean;
  /** Null: it may make databases here. */
  mayNotCreate: Refusal | null;
  /** Null: it may change the database itself, or only trying tells. */
  mayNotChange: Refusal | null;
  /**
   * What lets this role start programs on the server's machine or read and write its files, and with it all that a dump brings along.
   * Empty where no dump is run without being asked for as a script.
   */
  reaches: string[];
  /** Roles whose belongings this role may treat as its own (itself included); everything for a superuser. */
  memberOf: string[];
  roles: string[];
  /** Extensions that could be created there, with their default version. */
  extensions: { name: string; version: string }[];
  databases: string[];
}

/** A right that is missing, in the words of the engine. */
export interface Refusal {
  reason: string;
  /** What would give it. */
  hint: string;
}

export interface TargetFacts {
  facts: DatabaseFacts;
  /** Sessions other than our own. */
  sessions: { pid: number; role: string; application: string; address: string; mayEnd: boolean }[];
  /** Tables and other relations of users. */
  relations: number;
}

export interface Leftover {
  database: string;
  note: string;
  createdAt: string | null;
}

export interface StateWish {
  /** What it was before, to be told in the same way. */
  like: string | null;
  /** Only what concerns these; null: everything. */
  scope: LoadOptions['scope'];
}

/** The names that `swap` was given. */
export interface HalfSwap {
  replacement: string;
  previous: string | null;
  /** Nothing has changed places yet: what lives is whole, and only has a second name. */
  untouched?: true;
}

/** A check made by `doctor`. */
export interface Check {
  name: string;
  result: 'ok' | 'warning' | 'failed';
  detail: string;
  hint?: string;
}

/** What recipes and surfaces must not take for granted. */
export interface Capabilities {
  /** The schema of tables whose name is given without one; null: there are no schemas, and `TableName.schema` is always ''. */
  defaultSchema: string | null;
  /** `replace` works: a table, or all content, inside the live database. */
  inPlace: boolean;
  /** `temporary` works: a throw-away server (or place) for drills. */
  temporary: boolean;
  /** The database is a file of this machine: there is no server, and no other one can be named by an address. */
  file: boolean;
  /** Names that belong to the server: one of these is nobody's database, even while it is empty. */
  reserved: readonly string[];
}

/** One database on one server, existing or not, with everything a recipe does to it. */
export interface Database {
  readonly engine: EngineName;
  readonly capabilities: Capabilities;
  readonly name: string;
  /** For people: `shop on db:5432 as shop`. No secret in it. */
  readonly title: string;

  /** The same server and credentials, another database. */
  named(name: string): Database;
  /** Another server or database given as an address (`postgres://...`), with this database's tools and timeouts. */
  at(address: string): Database;

  /** What not every engine needs or can do. */
  readonly collations?: Collations;
  readonly agedRows?: AgedRows;
  readonly exclusions?: Exclusions & {
    /** The same database; its dumps leave nothing out. */
    without(): Database;
  };

  check(signal: AbortSignal): Promise<Check[]>;
  /** Milliseconds the server's clock is ahead of this machine's; negative: behind. Tells by the way that it answers. */
  clockAhead(signal: AbortSignal): Promise<number>;
  /** Rejects as long as nobody can ask anything: of the database, or only whether the server lets us in. */
  ready(what: 'server' | 'database', signal: AbortSignal): Promise<void>;
  /**
   * The same for the same database by whatever address, role or link it is reached, and another one for every other; it need not exist.
   * Of a file, its path without links.
   */
  identity(signal: AbortSignal): Promise<string>;
  probe(signal: AbortSignal): Promise<DatabaseFacts>;
  /**
   * Checks rights, versions and limits first, all problems at once, then opens the snapshot everything else reads from.
   * `folders`: the place of storing can take a folder the tool writes itself.
   */
  open(place: { folders: boolean }, signal: AbortSignal): Promise<Snapshot>;

  server(signal: AbortSignal): Promise<ServerFacts>;
  /** Null when the database does not exist. */
  target(signal: AbortSignal): Promise<TargetFacts | null>;
  count(
    what: { tables: TableName[] | null; sequences: boolean; fingerprints: boolean },
    signal: AbortSignal,
  ): Promise<Counts>;
  /** Tables that have rows of their own, or may have some, of those that are asked about. */
  filled(wanted: (table: TableName) => boolean, signal: AbortSignal): Promise<TableName[]>;
  /** One `select` of ours or of an application, in a read-only session; values as the driver gives them (numbers too large for a number are texts). */
  select(query: string, signal: AbortSignal): Promise<Record<string, unknown>[]>;
  /** Statements that fit a restored database to its application before it goes live, in one transaction. Not every engine has use for it. */
  adjust?(statements: readonly string[], signal: AbortSignal): Promise<void>;
  /** Scalars of `select` statements given by the operator, each true or false. */
  ask(queries: string[], signal: AbortSignal): Promise<{ query: string; ok: boolean; detail: string }[]>;

  /**
   * Tells a dump of this engine by its first bytes (decompressed, 1 KiB at least where there is that much): its format, or why it is
   * of no use (a cluster dump, another engine's), or null when it is not a dump at all. `rest`: what lies beside such a file while it
   * is not complete.
   */
  recognise(head: Buffer): { format: DumpFormat; rest?: readonly RestOfDump[] } | { refused: string } | null;
  /** Reads a dump to its end as the restoring tool would, without a server. Rejects with kind `integrity` when it cannot be read. */
  readThrough(dump: StoredDump, signal: AbortSignal): Promise<{ entries: number | null }>;
  contents(dump: StoredDump, signal: AbortSignal): Promise<DumpEntry[]>;
  /** The tables that a dump makes, and those that it has the rows of, however few: from its contents, or what a script says. */
  brings(dump: StoredDump, signal: AbortSignal): Promise<{ tables: TableName[]; rows: TableName[] }>;
  /** The files of a directory dump that loading this scope reads, as `locally` takes them; null where it is all there is. */
  filesFor(dump: StoredDump, scope: LoadOptions['scope'], signal: AbortSignal): Promise<string[] | null>;

  /**
   * What would end such a restore into this database half-way; asked while it is planned. Rejects with what no guard could lift. Absent: nothing
   * beyond the guards.
   */
  obstacles?(ahead: RestoreAhead, signal: AbortSignal): Promise<Obstacle[]>;
  /**
   * What will not be as it is, or was, in the words of the warnings of `replace` (`inside`) or `load`; asked while it is planned. Rejects as `replace`
   * would where it refuses for what is in the database. Absent: nothing is known before.
   */
  consequences?(
    dump: StoredDump,
    options: Pick<LoadOptions, 'scope' | 'owners' | 'facts'> & { inside: boolean },
    signal: AbortSignal,
  ): Promise<string[]>;

  /**
   * Creates this database empty and marked as ours (`note`), equal to `like` in owner, encoding, locale; an empty owner means the
   * connecting role. Must not exist.
   */
  create(like: DatabaseFacts, note: string, signal: AbortSignal): Promise<void>;
  /** Privileges and `ALTER DATABASE SET` of `like`, and the mark removed: the last touch before it goes live. Says which settings it could not make. */
  dress(like: DatabaseFacts, signal: AbortSignal): Promise<string[]>;
  load(dump: StoredDump, options: LoadOptions, signal: AbortSignal): Promise<{ warnings: string[] }>;
  analyze(signal: AbortSignal): Promise<void>;
  /** Something that is another text once anybody has written into this database, whatever its name is then. */
  state(wish: StateWish, signal: AbortSignal): Promise<string>;
  /** Ends sessions and drops it. Refuses a database without our mark unless `unmarked` says so. Fine when it does not exist. */
  drop(options: { unmarked: boolean }, signal: AbortSignal): Promise<void>;
  /**
   * Puts `replacement` in the place of this database by renaming, in one transaction; this one becomes `previous`.
   * Other sessions are ended (`disconnect`) or make it refuse. Until it commits, this database is as it was. `previous` is null when
   * this database does not exist: then only the replacement gets its name. When it fails, the error tells how to finish by hand.
   */
  swap(
    names: { replacement: string; previous: string | null },
    sessions: 'disconnect' | 'refuse',
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Replaces content inside this live database in one transaction, compares with `expected` before it commits,
   * and leaves everything as it was when anything is wrong. `beforeCommit` is called as late as it can be, when
   * nobody else can write any more, and the commit does not happen when it rejects; once more where somebody came in between all the same.
   */
  replace(
    dump: StoredDump,
    options: LoadOptions,
    expected: Counts,
    signal: AbortSignal,
    beforeCommit?: () => Promise<void>,
  ): Promise<{ warnings: string[] }>;
  /** Where a swap takes several steps, and a machine that stops in the middle leaves it half done. */
  readonly halfSwap?: {
    /** Null: there is none. While there is one, `swap` refuses with `DATABASE_HALF_SWAPPED`, and so does `open`, unless what lives is untouched. */
    find(signal: AbortSignal): Promise<HalfSwap | null>;
    /** Rejects with the same where there is one. */
    refuse(signal: AbortSignal): Promise<void>;
    /** What lived is live again, and the replacement is whole beside it; null where there was none. */
    takeBack(signal: AbortSignal): Promise<HalfSwap | null>;
  };
  /** Scratch databases of ours that an interrupted run left on this server. */
  leftovers(signal: AbortSignal): Promise<Leftover[]>;

  /**
   * A database name on a throw-away server from local binaries, as old as `like.serverVersion` or newer, where the roles of `like`
   * exist (without passwords or rights); the server is gone when disposed. The database itself is not created yet.
   */
  temporary(
    like: { serverVersion: string; roles: string[]; properties?: Record<string, unknown> },
    signal: AbortSignal,
  ): Promise<Database & AsyncDisposable>;
}
