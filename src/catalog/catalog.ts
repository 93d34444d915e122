import type { UserRecords, TokenRecords, SessionRecords, AuditRecords, RepeatRecords } from './access-records.ts';
import type { BackupRecords, ProofRecords, CopyRecords, KeyRecords } from './backup-records.ts';
import type { RunRecords, LockRecords } from './run-records.ts';
import type { IncidentRecords, DeliveryRecords, DaemonRecords, MarkRecords } from './watch-records.ts';
import type { Figures } from './figures.ts';

export type * from './access-records.ts';
export type * from './backup-records.ts';
export type * from './run-records.ts';
export type * from './watch-records.ts';

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
  readonly users: UserRecords;
  readonly tokens: TokenRecords;
  readonly sessions: SessionRecords;
  readonly audit: AuditRecords;
  readonly repeats: RepeatRecords;
  readonly figures: Figures;
  /** All writes of the work, or none. */
  atomically<T>(work: () => T): T;
  /**
   * Writes of the work wait for another process only for a moment, in which this one stands still: `CATALOG_BUSY` soon instead of late. For
   * what comes again by itself; whoever can wait does so with `patiently`.
   */
  briefly<T>(work: () => T): T;
  /** Another number whenever another process has written since; cheap enough to ask every second. */
  foreignWrites(): number;
  /** A write that fails when the state cannot be written; for `doctor` and `health`. */
  probe(): void;
}
