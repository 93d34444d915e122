import { isFromFuture } from '../../base/clock.ts';
import type { BackupRow, CopyRecord, ProofRecord, RunRecord } from '../../catalog/catalog.ts';
import type { DaemonState } from '../../catalog/daemon-state.ts';
import { backupTime, isWhole, oldestFirst } from '../backup-facts.ts';
import type { FreeSpace, MonitorSettings, SourceSchedule } from './settings.ts';

/** Everything the rules look at, gathered before the first of them is asked: they are pure. */
export interface Facts {
  readonly now: Date;
  readonly storages: readonly StorageFacts[];
  readonly sources: readonly SourceFacts[];
  readonly installation: InstallationFacts;
}

/** In the words of the error that told of it. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

export interface StorageFacts {
  readonly name: string;
  readonly title: string;
  readonly minFree: FreeSpace | null;
  readonly unreachable: Trouble | null;
  /** The folder is not there; it may be the mount that is missing. */
  readonly missing: boolean;
  readonly notWritable: Trouble | null;
  readonly free: { readonly bytes: number; readonly total: number } | null;
  /** How far its clock is ahead of ours; negative: behind. */
  readonly clockAheadMs: number | null;
  /** Where its folder lies in a git work tree that does not ignore it. */
  readonly git: { readonly folder: string; readonly tree: string } | null;
}

export interface SourceFacts {
  readonly name: string;
  readonly settings: MonitorSettings;
  readonly schedule: SourceSchedule | null;
  /** The primary first. */
  readonly storages: readonly PlaceFacts[];
  readonly deleteLocalAfterCopy: boolean;
  /** Of all its storages; where one could not be asked, as last seen there. */
  readonly copies: readonly KnownCopy[];
  /** Newest first. */
  readonly proofs: readonly ProofRecord[];
  /** Copies that are owed, oldest backup first. */
  readonly queue: readonly CopyRecord[];
  /** The last that ended, by operation; cancelled ones say nothing. */
  readonly lastRun: { readonly [Operation in 'backup' | 'prune' | 'drill']: RunRecord | null };
  /** A backup is being taken now. */
  readonly running: boolean;
  readonly database: DatabaseFacts;
  /** What is configured does not open the key of the newest backup. */
  readonly keyTrouble: Trouble | null;
}

export interface PlaceFacts {
  readonly name: string;
  /** A folder of this machine. */
  readonly local: boolean;
  /** It told what it holds. */
  readonly asked: boolean;
  /** Files of the current key that are not there. */
  readonly missingKeys: readonly string[];
  /** Backups that were there and are gone, without having been removed by us. */
  readonly vanished: readonly string[];
}

export interface KnownCopy {
  readonly row: BackupRow;
  /** Complete, and the last look at it found nothing wrong. */
  readonly ok: boolean;
}

export interface DatabaseFacts {
  readonly title: string;
  readonly unreachable: Trouble | null;
  readonly clockAheadMs: number | null;
}

export interface InstallationFacts {
  readonly state: string;
  readonly stateTrouble: Trouble | null;
  /** There are schedules that only a daemon works through. */
  readonly scheduled: number;
  /** Of the daemon that looks best; null when there never was one. */
  readonly daemon: DaemonState | null;
}

/** A backup that can be restored from somewhere, by all that is known. */
export interface GoodBackup {
  readonly id: string;
  readonly at: Date;
  readonly finishedAt: Date;
  readonly bytes: number;
  /** Where it shares with others, what it added; null: all of it. */
  readonly addedBytes: number | null;
  readonly durationMs: number;
  readonly trigger: string;
  /** Only sizes of the same kind can be compared. */
  readonly format: string;
  readonly rows: number | null;
}

/**
 * Oldest first. Safety backups are left out: they show a database somebody wanted to be rid of. So are those of some parts only: they
 * leave the rest of the source without a backup; and those from the future: under a clock like that, the newest would stay the newest for ever.
 */
export function goodBackups({ copies }: Pick<SourceFacts, 'copies'>, now: Date): GoodBackup[] {
  const byId = new Map<string, BackupRow>();
  for (const { row, ok } of copies) {
    if (ok && row.facts !== null && row.facts.trigger !== 'safety' && isWhole(row) && !isTakenInFuture(row, now))
      byId.set(row.id, row);
  }
  return oldestFirst([...byId.values()]).flatMap((row): GoodBackup[] => {
    if (row.facts === null) return [];
    const { finishedAt, bytes, addedBytes = null, durationMs, trigger, database } = row.facts;
    return [
      {
        id: row.id,
        at: backupTime(row),
        finishedAt: new Date(finishedAt),
        bytes,
        addedBytes,
        durationMs,
        trigger,
        format: database?.format ?? '',
        rows: database?.rows ?? null,
      },
    ];
  });
}

export function isTakenInFuture(row: Pick<BackupRow, 'id' | 'facts'>, now: Date): boolean {
  return isFromFuture(backupTime(row), now);
}
