import type { LogLevel } from '../base/logger.ts';

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
  | 'key'
  | 'maintenance';
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

/** How far a step of a run has come. */
export interface RunProgress {
  step: string;
  part: string;
  bytes: number;
  total: number | null;
  /** Bytes a second, over the last moments; null where there is nothing to compare with. */
  rate: number | null;
  at: string;
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
  /** Newest first; `before`: only what began before that run. `sources`: of one of these. */
  list(filter: {
    source?: string;
    sources?: readonly string[];
    operation?: Operation;
    state?: RunState;
    before?: string;
    limit?: number;
  }): RunRecord[];
  log(run: string, line: RunLine): void;
  lines(run: string): RunLine[];
  /** Those whose start or end nobody was told of yet, oldest first; some hundred at a time. */
  unnoticed(): RunRecord[];
  /** Marks the present phase of a run, running or ended, as told. */
  notice(run: RunRecord): void;
  /** By source, the start of the last one that stored all parts of it; last as recorded, whatever clocks said. */
  lastGood(operation: Operation): Map<string, string>;
  /** How far it has come, for whoever watches from another process; null when nothing is to be told. */
  setProgress(id: string, progress: RunProgress): void;
  progressOf(id: string): RunProgress | null;
  /** Asks whichever process has it to end a run. False when it does not run. */
  requestCancel(id: string, by: string): boolean;
  /** Who wants it to end, or null; cheap enough to ask every second. */
  cancelledBy(id: string): string | null;
  /** Forgets ended runs that are older, or further back, but never the last good one of its kind. Returns how many. */
  trim(beyond: { runs: number; before: string }): number;
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
