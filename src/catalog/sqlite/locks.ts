import type { LockRecords, LockRow } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';

export function lockRecords(connection: Connection): LockRecords {
  const find = (name: string): LockRow | null => {
    const row = connection.get('select * from locks where name = $name', { name });
    return row ? toLock(row) : null;
  };
  return {
    acquire: (row, mayTake) =>
      connection.transaction(() => {
        const { name, token, run, host, pid, process, acquiredAt, renewedAt, leaseMs } = row;
        const holder = find(name);
        if (holder && !mayTake(holder)) return { ok: false, holder };
        connection.run(
          `insert or replace into locks (name, token, run, host, pid, process, acquired_at, renewed_at, lease_ms)
           values ($name, $token, $run, $host, $pid, $process, $acquiredAt, $renewedAt, $leaseMs)`,
          { name, token, run, host, pid, process, acquiredAt, renewedAt, leaseMs },
        );
        return { ok: true };
      }),
    renew: (name, token, at) =>
      connection.run('update locks set renewed_at = $at where name = $name and token = $token', { name, token, at }) >
      0,
    release: (name, token) => {
      connection.run('delete from locks where name = $name and token = $token', { name, token });
    },
    list: () => connection.all('select * from locks order by name').map(toLock),
  };
}

function toLock(row: Row): LockRow {
  return {
    name: row['name'] as string,
    token: row['token'] as string,
    run: row['run'] as string | null,
    host: row['host'] as string,
    pid: row['pid'] as number,
    process: row['process'] as string | null,
    acquiredAt: row['acquired_at'] as string,
    renewedAt: row['renewed_at'] as string,
    leaseMs: row['lease_ms'] as number,
  };
}
