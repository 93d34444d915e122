import type { LogLevel } from '../base/logger.ts';

/**
 * The daemon's own state: runs and their logs, locks, results of verifications and drills, and a cache of what the storages
 * hold.
 * Shared by every process on one state folder. What concerns backups can be rebuilt from the storages.
 */
export interface Catalog extends Disposable {
  readonly runs: RunRecords;
  readonly locks: LockRecords;
  readonly backups: BackupRecords;
  readonly proofs: ProofRecords;
  readonly copies: CopyRecords;
  readonly keys: KeyRecords;
  readonly incidents: IncidentRecords;
  readonly deliveries: DeliveryRecords;
  readonly daemons: DaemonRecords;
  readonly marks: MarkRecords;
  /** All writes of the work, or none. */
  atomically<T>(work: () => T): T;
  /** Another number whenever another process has written since; cheap enough to ask every second. */
  foreignWrites(): number;
  /** A write that fails when the state cannot be written; for `doctor` and `health`. */
  probe(): void;
}

export type Operation =
  | 'backup'
  | 'verify'
  | 'drill'
  | 'restore'
  | 'prune'
  | 'delete'
  | 'import'
  | 'rebuild'
  | 'copy'
  | 'key';
export type RunState = 'queued' | 'running' | 'succeeded' | 'partial' | 'failed' | 'cancelled';

export interface RunRecord {
  id: string;
  operation: Operation;
  source: string | null;
  backup: string | null;
  trigger: string;
  state: RunState;
  startedAt: string;
  finishedAt: string | null;
  host: string;
  pid: number;
  /** Tells the process from another one that got its number later; null where unknown. See `LockRow.process`. */
  process: string | null;
  error: { code: string; message: string; hint: string | null } | null;
  /** What the operation returned, as in its `--json`. */
  result: unknown;
}

export interface RunLine {
  at: string;
  level: LogLevel;
  message: string;
  fields: Record<string, unknown> | null;
}

export interface RunRecords {
  add(run: RunRecord): void;
  update(id: string, change: Partial<Omit<RunRecord, 'id'>>): void;
  get(id: string): RunRecord | null;
  /** Newest first. */
  list(filter: { source?: string; operation?: Operation; state?: RunState; limit?: number }): RunRecord[];
  log(run: string, line: RunLine): void;
  lines(run: string): RunLine[];
  /** Those whose start or end nobody was told of yet, oldest first. */
  unnoticed(): RunRecord[];
  /** Marks the present phase of a run, running or ended, as told. */
  notice(run: RunRecord): void;
}

export interface LockRow {
  name: string;
  token: string;
  run: string | null;
  host: string;
  pid: number;
  /** Tells a process from another one that got its number later (boot id and start time), or null where unknown. */
  process: string | null;
  acquiredAt: string;
  renewedAt: string;
  leaseMs: number;
}

export interface LockRecords {
  /** Atomic: takes the lock when it is free, or when `mayTake` says the present holder is gone. Returns who holds it otherwise. */
  acquire(row: LockRow, mayTake: (holder: LockRow) => boolean): { ok: true } | { ok: false; holder: LockRow };
  /** False when the lock is no longer held with this token. */
  renew(name: string, token: string, at: string): boolean;
  release(name: string, token: string): void;
  list(): LockRow[];
}

/** `pending`: not there yet, but queued. */
export type CopyState = 'complete' | 'incomplete' | 'corrupt' | 'missing' | 'pending';

/** One backup in one storage, as last seen. */
export interface BackupRow {
  storage: string;
  source: string;
  id: string;
  state: CopyState;
  /** Identity of the small files it was read from (size and time), so that a changed one is read again. */
  stamp: string;
  /** Null when the manifest could not be read. */
  facts: BackupFacts | null;
  problem: string | null;
  held: { at: string; reason: string | null } | null;
}

/** What lists and retention need of a manifest. The manifest itself, with thousands of tables and files, stays in the storage. */
export interface BackupFacts {
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  trigger: string;
  safetyFor: string | null;
  description: string | null;
  instance: string;
  /** As stored, all artifacts. */
  bytes: number;
  rawBytes: number | null;
  artifacts: number;
  /** Null without a database. */
  database: {
    engine: string;
    name: string;
    serverVersion: string;
    format: string;
    sizeBytes: number;
    tables: number;
    rows: number;
  } | null;
  warnings: number;
}

export interface BackupRecords {
  put(row: BackupRow): void;
  remove(storage: string, source: string, id: string): void;
  list(storage: string, source: string): BackupRow[];
  clear(storage?: string): void;
}

export interface ProofRecord {
  kind: 'verify' | 'drill';
  source: string;
  backup: string;
  storage: string;
  at: string;
  ok: boolean;
  /** `checksum` or `structure` for a verification. */
  depth: string | null;
  seconds: number;
  /** As in the command's `--json`. */
  result: unknown;
}

export interface ProofRecords {
  add(record: ProofRecord): void;
  /** Newest first. */
  list(filter: { source?: string; backup?: string; kind?: 'verify' | 'drill' }): ProofRecord[];
  remove(source: string, backup: string): void;
}

/** A copy that is being made or is to be tried again. */
export interface CopyRecord {
  source: string;
  backup: string;
  /** Where it is to lie. */
  storage: string;
  /** How often it failed. */
  attempts: number;
  /** Not before this. */
  nextAt: string;
  lastError: { code: string; message: string; hint: string | null } | null;
  /** When it was first begun. */
  since: string;
}

export interface CopyRecords {
  put(record: CopyRecord): void;
  get(source: string, backup: string, storage: string): CopyRecord | null;
  /** Oldest backup first. */
  list(filter: { source?: string; backup?: string }): CopyRecord[];
  /** Without a storage, all of the backup. */
  remove(source: string, backup: string, storage?: string): void;
}

/** The current key of a source, so that a backup does not have to open it. No secret in the clear. */
export interface RememberedKey {
  source: string;
  /** `keys/2026-11-20.age` */
  file: string;
  recipient: string;
  recipients: string[];
  passphrase: boolean;
  /** Tells whether a passphrase is the one that opened the key. */
  proof: string | null;
  /** Wrapped, as in the storages; base64. */
  files: { name: string; content: string }[];
}

export interface KeyRecords {
  get(source: string): RememberedKey | null;
  put(record: RememberedKey): void;
}

/** Something that is the matter, from the first time it was seen until it is over. */
export interface IncidentRecord {
  /** Tells it from all others: `backup-failed/shop`, or the key of a finding. At most one with a key is open. */
  key: string;
  severity: 'critical' | 'warning';
  source: string | null;
  /** One line. */
  title: string;
  openedAt: string;
  lastSeenAt: string;
  /** How often it was seen. */
  times: number;
  /** Null as long as nobody was told: below the level of every channel, or just opened. */
  toldAt: string | null;
  resolvedAt: string | null;
  /** What the policy needs to remember. */
  detail: unknown;
}

export interface IncidentRecords {
  /** Replaces the open one with this key, or opens it. */
  put(record: IncidentRecord): void;
  open(): IncidentRecord[];
  get(key: string): IncidentRecord | null;
  /** Newest first, resolved ones too. */
  list(filter: { source?: string; limit?: number }): IncidentRecord[];
}

/** One message on its way to one channel. */
export interface DeliveryRecord {
  id: string;
  channel: string;
  /** As in `Message`; no secret in it. */
  message: unknown;
  createdAt: string;
  attempts: number;
  /** Not before this. */
  nextAt: string;
  state: 'pending' | 'sent' | 'failed';
  endedAt: string | null;
  lastError: { code: string; message: string; hint: string | null } | null;
}

export interface DeliveryRecords {
  put(record: DeliveryRecord): void;
  /** Oldest first. */
  list(filter: { channel?: string; state?: DeliveryRecord['state'] }): DeliveryRecord[];
  /** What ended before this time. */
  trim(before: string): void;
}

/** A daemon on this state folder, with its sign of life. */
export interface DaemonRecord {
  id: string;
  host: string;
  pid: number;
  process: string | null;
  version: string;
  startedAt: string;
  /** Last time its scheduler went through its plans. */
  tickAt: string;
  /** Null as long as it runs; what never got it was killed. */
  stoppedAt: string | null;
  /** Where its HTTP server listens. */
  listen: string | null;
}

export interface DaemonRecords {
  put(record: DaemonRecord): void;
  /** Newest first. */
  list(): DaemonRecord[];
  remove(id: string): void;
}

/** When something periodic that is no run of its own was last done. */
export interface MarkRecord {
  /** `check`, `report` ... */
  name: string;
  lastAttempt: string | null;
  lastGood: string | null;
  /** What it found, where the next one compares. */
  detail: unknown;
}

export interface MarkRecords {
  get(name: string): MarkRecord | null;
  put(record: MarkRecord): void;
}
