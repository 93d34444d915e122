import type { Figures } from '../figures.ts';
import type { Connection, Row } from './connection.ts';

/** Copies whose last verification, or last drill, failed: as `standings` of `care/stock/proofs.ts` has it. */
const failed = `failed as materialized (
  select kind, storage, source, backup from proofs
  where ok = 0 and not exists (
    select 1 from proofs as later
    where later.source = proofs.source and later.backup = proofs.backup and later.kind = proofs.kind
      and later.storage = proofs.storage and later.at > proofs.at))`;
const isFailed = '(storage, source, id) in (select storage, source, backup from failed)';

export function figures(connection: Connection): Figures {
  const all = <T>(sql: string, read: (row: Row) => T): T[] => connection.all(sql).map(read);
  return {
    runTotals: () =>
      all('select operation, state, count from run_totals order by operation, state', (row) => ({
        operation: row['operation'] as string,
        state: row['state'] as string,
        count: row['count'] as number,
      })),
    running: () =>
      all(`select operation, count(*) as count from runs where state = 'running' group by operation`, (row) => ({
        operation: row['operation'] as string,
        count: row['count'] as number,
      })),
    latestRuns: () =>
      all('select * from latest_runs', (row) => ({
        source: row['source'] === '' ? null : (row['source'] as string),
        operation: row['operation'] as string,
        startedAt: row['started_at'] as string,
        ended:
          row['ended_at'] === null
            ? null
            : {
                at: row['ended_at'] as string,
                state: row['ended_state'] as string,
                seconds: row['ended_seconds'] as number,
              },
        succeeded:
          row['succeeded_at'] === null
            ? null
            : { at: row['succeeded_at'] as string, seconds: row['succeeded_seconds'] as number },
      })),
    stored: () =>
      all(
        `with ${failed}
         select source, storage, count(*) as backups, sum(state <> 'complete' or ${isFailed}) as damaged,
           coalesce(sum(bytes), 0) as bytes
         from backups indexed by backups_figures group by source, storage`,
        (row) => ({
          source: row['source'] as string,
          storage: row['storage'] as string,
          backups: row['backups'] as number,
          damaged: row['damaged'] as number,
          bytes: row['bytes'] as number,
        }),
      ),
    newestBackups: () =>
      // With max() SQLite takes the other columns from the row that has it.
      all(
        `with ${failed}
         select source, max(id), started_at, bytes, raw_bytes from backups
         where state = 'complete' and not safety and not some and not ${isFailed} group by source`,
        (row) => ({
          source: row['source'] as string,
          startedAt: row['started_at'] as string,
          bytes: row['bytes'] as number,
          rawBytes: row['raw_bytes'] as number | null,
        }),
      ),
    latestProofs: () =>
      all(
        `select kind, source, max(at) as at, ok, seconds from proofs
         where storage not like '?%' group by kind, source`,
        (row) => ({
          kind: row['kind'] as 'verify' | 'drill',
          source: row['source'] as string,
          at: row['at'] as string,
          ok: row['ok'] === 1,
          seconds: row['seconds'] as number,
        }),
      ),
    failedVerifications: () =>
      all(
        `with ${failed}
         select source, storage, count(*) as count from backups
         where (storage, source, id) in (select storage, source, backup from failed where kind = 'verify')
         group by source, storage`,
        (row) => ({
          source: row['source'] as string,
          storage: row['storage'] as string,
          count: row['count'] as number,
        }),
      ),
    pendingCopies: () =>
      all('select source, storage, count(*) as count from copies group by source, storage', (row) => ({
        source: row['source'] as string,
        storage: row['storage'] as string,
        count: row['count'] as number,
      })),
    deliveries: () =>
      all(
        `select channel, state, count(*) as count from deliveries
         where state in ('pending', 'failed') group by state, channel`,
        (row) => ({
          channel: row['channel'] as string,
          state: row['state'] as 'pending' | 'failed',
          count: row['count'] as number,
        }),
      ),
    openIncidents: () =>
      all('select severity, count(*) as count from incidents where resolved_at is null group by severity', (row) => ({
        severity: row['severity'] as string,
        count: row['count'] as number,
      })),
  };
}
