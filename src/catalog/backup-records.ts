/**
 * `pending`: not there yet, but queued. `unreadable`: its manifest is there and cannot be read from here, which says nothing against it: the
 * storage does not give it out, or a newer version wrote it.
 */
export type CopyState = 'complete' | 'unreadable' | 'incomplete' | 'corrupt' | 'missing' | 'pending';

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
  /** Of these, what lies in objects that other backups may hold, too; absent: nothing. */
  sharedBytes?: number;
  /** What it added to the storage when it was made; absent: all of it. */
  addedBytes?: number;
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
  /** The parts that were asked for, where the source had more; null: all. */
  only: readonly string[] | null;
  /** Optional parts that could not be saved. */
  lacks: readonly string[];
  /** The key file its manifest names; null: it is not encrypted. Absent in rows of programs that did not note it. */
  key?: string | null;
}

export interface BackupRecords {
  put(row: BackupRow): void;
  remove(storage: string, source: string, id: string): void;
  list(storage: string, source: string): BackupRow[];
  /** Of all sources where none is named; of all storages where neither is. */
  clear(storage?: string, source?: string): void;
  /** By source, a number that grows whenever anything a list shows of its backups has changed, whoever wrote it. */
  versions(): Map<string, number>;
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
  /** One that was made just now: what has a later time was made under a clock that was ahead, and counts no more. */
  add(record: ProofRecord): void;
  /** One that was made some time, maybe elsewhere. The same one twice is one. */
  learn(record: ProofRecord): void;
  /** Newest first. Those of storages whose name begins with `?` are left out: they wait for a name. */
  list(filter: { source?: string; backup?: string; kind?: 'verify' | 'drill' }): ProofRecord[];
  /** The verifications of one storage are those of another from now on. */
  move(from: string, to: string): void;
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
  /** Base64; see `KeyRecord` of the archive. Absent in what an earlier version wrote. */
  naming?: string | null;
  /** Wrapped, as in the storages; base64. */
  files: { name: string; content: string }[];
}

export interface KeyRecords {
  get(source: string): RememberedKey | null;
  put(record: RememberedKey): void;
}
