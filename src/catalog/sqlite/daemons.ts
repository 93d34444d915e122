import type { DaemonRecord, DaemonRecords, MarkRecords } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function daemonRecords(connection: Connection): DaemonRecords {
  return {
    put: (record) => {
      connection.run(
        `insert into daemons (id, host, pid, process, version, started_at, tick_at, stopped_at, listen)
         values ($id, $host, $pid, $process, $version, $startedAt, $tickAt, $stoppedAt, $listen)
         on conflict (id) do update set tick_at = excluded.tick_at, stopped_at = excluded.stopped_at, listen = excluded.listen`,
        { ...record },
      );
    },
    list: () => connection.all('select * from daemons order by rowid desc').map(toDaemon),
    remove: (id) => {
      connection.run('delete from daemons where id = $id', { id });
    },
  };
}

export function markRecords(connection: Connection): MarkRecords {
  return {
    get: (name) => {
      const row = connection.get('select * from marks where name = $name', { name });
      if (!row) return null;
      return {
        name,
        lastAttempt: row['last_attempt'] as string | null,
        lastGood: row['last_good'] as string | null,
        detail: fromJson(row['detail']),
      };
    },
    put: (record) => {
      connection.run(
        `insert or replace into marks (name, last_attempt, last_good, detail)
         values ($name, $lastAttempt, $lastGood, $detail)`,
        { ...record, detail: toJson(record.detail) },
      );
    },
  };
}

function toDaemon(row: Row): DaemonRecord {
  return {
    id: row['id'] as string,
    host: row['host'] as string,
    pid: row['pid'] as number,
    process: row['process'] as string | null,
    version: row['version'] as string,
    startedAt: row['started_at'] as string,
    tickAt: row['tick_at'] as string,
    stoppedAt: row['stopped_at'] as string | null,
    listen: row['listen'] as string | null,
  };
}
