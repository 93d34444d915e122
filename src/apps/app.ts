import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Report } from '../base/progress.ts';

/**
 * The contract of what a source protects beside its database: folders, and applications seen through their API or their folder. One
 * folder per kind; recipes know only this file.
 *
 * Every method takes a signal and, when it fires, must end what it started and remove what it laid down before it rejects. Errors are
 * `HoldfastError`s with a stable code and a hint; foreign messages are translated inside.
 */
export interface App {
  readonly kind: AppKind;
  /** For people: `NocoDB at http://nocodb:8080`. No secret in it. */
  readonly title: string;
  /** A failure of it leaves the backup of a database partial, which is told, instead of failing it. */
  readonly optional?: boolean;

  check(signal: AbortSignal): Promise<AppCheck[]>;
  /** Checks rights and limits first, all problems at once; nothing is written anywhere. Called when the snapshot of the database stands. */
  open(around: Around, signal: AbortSignal): Promise<Saving>;
  /** Reads what was saved to its end as a restore would, without touching anything. Rejects with kind `integrity` when it cannot be read. */
  readThrough(saved: Saved, signal: AbortSignal): Promise<{ detail: string }>;
  /** Restores into a place of its own, compares with what was saved, and removes it again. */
  rehearse(saved: Saved, task: AppTask): Promise<Rehearsal>;

  /** Takes over what the application's own program saved of it, as if that had been saved here. Touches nothing of the application. */
  adopt?(foreign: ForeignApp, around: { encrypted: boolean }, signal: AbortSignal): Promise<Saving>;

  /** What not every application has. */
  readonly trees?: Trees;
  readonly bases?: Bases;
  readonly guards?: AppGuards;
}

export type AppKind = 'files' | 'nocodb' | 'nocobase';

export interface AppContext {
  clock: Clock;
  logger: Logger;
  /** A folder for short-lived files; created when needed, 0700. */
  scratch: string;
}

/** A check made by `doctor`. */
export interface AppCheck {
  name: string;
  result: 'ok' | 'warning' | 'failed';
  detail: string;
  hint?: string;
}

/** What is saved together with it. */
export interface Around {
  /** Whether the backup will be encrypted: keys and tokens of an application are only saved then. */
  encrypted: boolean;
  /** The database of the same source, as it stands in the snapshot of the dump or as close to it as the engine can; null: none. */
  database: AppDatabase | null;
  /**
   * What did not change is stored once: parts that say what their content is are only opened when it is not there already. Null: everything
   * is stored anew, and fewer, larger parts cost less. `previous`: what `facts` said in the newest backup.
   */
  shared?: { previous: Record<string, unknown> | null } | null;
}

/** What an application may learn of its database. */
export interface AppDatabase {
  readonly engine: string;
  readonly name: string;
  readonly serverVersion: string;
  /** One `select`, read only; values as the driver gives them (numbers too large for a number are texts). */
  select(query: string, signal: AbortSignal): Promise<Record<string, unknown>[]>;
}

/** One artifact-to-be. A stream's end means that all of it was read as it should be; anything else destroys it with an error. */
export interface AppPart {
  kind: 'stream';
  role: 'files' | 'app';
  /** Below the backup's folder: `files/uploads.tar`, `bases/<base>/tables/<table>/schema.json`. Safe on every storage. */
  name: string;
  format: 'tar' | 'json' | 'file';
  /** What the archive compresses it with. */
  compression: { codec: 'none' | 'gzip' | 'zstd'; level: number | null };
  /** It was compressed before, and its name says so (`records.json.gz`). */
  compressedByTool: { codec: 'gzip'; level: number | null } | null;
  /** Its failure leaves the rest whole: it is told, and the saving goes on without it and says so in its own indexes. */
  optional?: boolean;
  shared?: SharedPart;
  open(signal: AbortSignal): Readable;
}

/** Tells what a part would give without giving it. */
export interface SharedPart {
  /** How long it will be; null: nobody knows before it is read. */
  rawBytes: number | null;
  /** SHA-256, in hex. What `open` gives afterwards may be something else already, and is not taken for this. */
  digest(signal: AbortSignal): Promise<string>;
}

export interface Saving extends AsyncDisposable {
  /** In the order they should be stored; the next one is only asked for when the last is stored. */
  parts(signal: AbortSignal): AsyncIterable<AppPart>;
  /** Things to know that did not stop it; they end up in the manifest. Complete once the parts are consumed. */
  readonly warnings: string[];
  /** For the manifest, to compare with later: no secret, nothing that grows with the number of records. Complete once the parts are consumed. */
  facts(): Record<string, unknown>;
}

/** A backup that the application's own program made, without its database. */
export interface ForeignApp {
  /** What it says of itself. */
  facts: Record<string, unknown>;
  /** Their paths are those of that program and may be hostile; their bytes are checked as far as its format allows. */
  members: readonly { path: string; bytes: number; open(signal: AbortSignal): Promise<Readable> }[];
}

/** What was saved, as it lies in an archive: digests checked, decrypted, decompressed where the archive had compressed it. */
export interface Saved {
  /** What `facts` said then. */
  readonly facts: Record<string, unknown>;
  /** Named as the parts were. */
  readonly parts: readonly { name: string; rawBytes: number | null; bytes: number }[];
  /** Fails in the place of the end when the stored bytes are not those of the manifest. */
  open(name: string, signal: AbortSignal): Promise<Readable>;
}

export interface AppTask {
  signal: AbortSignal;
  report: Report;
}

export interface Rehearsal {
  ok: boolean;
  /** `3 trees, 1,204 files equal` */
  detail: string;
  /** What differs, a line each, at most a hundred. */
  differences: string[];
  warnings: string[];
}

/** Folders that can be put back. */
export interface Trees {
  /** What `stage` and `swap` would do. Looks at everything, touches nothing, and names all problems at once. */
  plan(saved: Saved, wanted: WantedTrees, signal: AbortSignal): Promise<StagedTree[]>;
  /** Lays them down beside the live ones (or below `to`) and compares them with what was saved; nothing that lives is touched. */
  stage(saved: Saved, wanted: WantedTrees, task: AppTask): Promise<StagedTrees>;
  /**
   * The way back after a swap that is long over, from what it returned, whoever made it: all of it or nothing. What is live now is kept
   * beside it. Rejects with `NO_WAY_BACK` where nothing was kept.
   */
  undo(swapped: readonly SwappedTree[], signal: AbortSignal): Promise<UndoneTrees>;
}

/** Disposing removes what is empty now. */
export interface UndoneTrees extends AsyncDisposable {
  readonly trees: readonly SwappedTree[];
  /** Takes it back, name by name: the way is there as before. */
  back(): Promise<void>;
}

export interface SwappedTree {
  name: string;
  target: string;
  /** Where what was live before is kept; null: there was nothing. */
  previous: string | null;
}

export interface WantedTrees {
  /** Names; null: all. */
  only: readonly string[] | null;
  /** A folder to restore into instead, which must be empty or not exist. */
  to: string | null;
}

/** Disposing removes what was laid down and did not become live. */
export interface StagedTrees extends AsyncDisposable {
  readonly trees: readonly StagedTree[];
  readonly warnings: string[];
  /** What is written into the live folders from now on is in no safety backup: `forget` then keeps them. */
  watch(): Promise<void>;
  /** By renaming, all of them or none; what was live before is kept beside it. */
  swap(signal: AbortSignal): Promise<SwappedTree[]>;
  /** Undoes `swap`. What was written into the restored folders while they were live is not removed with them. */
  back(): Promise<KeptTree[]>;
  /**
   * Removes what `swap` kept: there is no way back any more. What is nowhere else (left out of backups, mounted there) stays where it is,
   * and so does what cannot be removed.
   */
  forget(signal: AbortSignal): Promise<KeptTree[]>;
}

/** A folder that was live, and was not removed. */
export interface KeptTree {
  path: string;
  why: string;
  /** It was to be removed, and some of it may be: no way back. */
  inPart?: true;
}

export interface StagedTree {
  name: string;
  target: string;
  /** Something lives there that would be replaced. */
  replaces: boolean;
  files: number;
  bytes: number;
}

/** Content that is rebuilt through an application's API: bases, tables, records. */
export interface Bases {
  /** Looks at everything and touches nothing. */
  plan(saved: Saved, request: BasesRequest, task: AppTask): Promise<BasesPlan>;
  /** Resumable: what an interrupted run has done is recognised and not done twice. */
  restore(saved: Saved, request: BasesRequest, task: AppTask): Promise<BasesReport>;
}

export interface BasesRequest {
  what: 'schema' | 'records' | 'attachments';
  /** Titles or ids; empty: all. */
  bases: readonly string[];
  tables: readonly string[];
  /** What exists already is left alone instead of refused. */
  skipExisting: boolean;
  /** Another title for the one base that is restored. */
  intoBase: string | null;
  /** With `records`: also the files of attachment fields. */
  withAttachments: boolean;
}

export interface BasesPlan {
  /** A line each: `base Shop`, `table Shop/Orders, 1,204 records`. */
  creates: string[];
  skips: string[];
  /** What cannot be restored, each with its reason. */
  cannot: string[];
  /** What stands in the way; nothing is done while there is any. */
  blocks: string[];
}

export interface BasesReport {
  ok: boolean;
  tables: { base: string; table: string; expected: number; restored: number; links: number; attachments: number }[];
  created: number;
  skipped: number;
  /** Every value, column or view that could not be restored, with the reason; the first thousand. */
  lost: { where: string; what: string; reason: string }[];
  lostCount: number;
  seconds: number;
  warnings: string[];
}

/** What an application demands of the place its database is restored to, beyond what the engine demands. */
export interface AppGuards {
  /** `live`: the database that is there now, null when there is none. Called before anything is touched. */
  before(
    saved: { facts: Record<string, unknown> },
    live: AppDatabase | null,
    task: { allowed: readonly string[]; signal: AbortSignal },
  ): Promise<AppGuard[]>;
  /** Whether the application stands still, as far as it can be known: a part of `before`, and all that a way back demands. */
  stopped(task: { allowed: readonly string[]; signal: AbortSignal }): Promise<AppGuard>;
  /**
   * Statements that make the restored database fit the place, where a guard was lifted that stands for it; usually none. To be run in
   * one transaction while that database is not live yet.
   */
  adjust?(
    saved: { facts: Record<string, unknown> },
    live: AppDatabase | null,
    task: { allowed: readonly string[]; signal: AbortSignal },
  ): Promise<string[]>;
  /** What the operator has to do next: start it, upgrade it. Called when the restored database is live. */
  after(saved: { facts: Record<string, unknown> }, live: AppDatabase, signal: AbortSignal): Promise<string[]>;
}

export interface AppGuard {
  code: string;
  result: 'pass' | 'warn' | 'block';
  detail: string;
  /** The option that lifts it, such as `--allow app-version`; null: nothing does. */
  override: string | null;
  /** Of a state that may be another one a moment later: what runs can be stopped, and started again. */
  momentary?: true;
}
