import type { IncidentRecord, IncidentRecords } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function incidentRecords(connection: Connection): IncidentRecords {
  const open = (key: string) =>
    connection.get('select rowid, * from incidents where key = $key and resolved_at is null', { key });
  return {
    put: (record) => {
      connection.transaction(() => {
        const rowid = open(record.key)?.['rowid'] ?? null;
        connection.run(
          `insert or replace into incidents (rowid, key, severity, source, title, opened_at, last_seen_at, times, told_at, resolved_at, detail)
           values ($rowid, $key, $severity, $source, $title, $openedAt, $lastSeenAt, $times, $toldAt, $resolvedAt, $detail)`,
          { ...record, rowid: rowid as number | null, detail: toJson(record.detail) },
        );
      });
    },
    open: () => connection.all('select * from incidents where resolved_at is null order by rowid').map(toIncident),
    get: (key) => {
      const row = open(key);
      return row ? toIncident(row) : null;
    },
    list: ({ source, limit }) =>
      connection
        .all('select * from incidents where $source is null or source = $source order by rowid desc limit $limit', {
          source: source ?? null,
          limit: limit ?? -1,
        })
        .map(toIncident),
    trim: (before) => {
      connection.run('delete from incidents where resolved_at < $before', { before });
    },
  };
}

function toIncident(row: Row): IncidentRecord {
  return {
    key: row['key'] as string,
    severity: row['severity'] as IncidentRecord['severity'],
    source: row['source'] as string | null,
    title: row['title'] as string,
    openedAt: row['opened_at'] as string,
    lastSeenAt: row['last_seen_at'] as string,
    times: row['times'] as number,
    toldAt: row['told_at'] as string | null,
    resolvedAt: row['resolved_at'] as string | null,
    detail: fromJson(row['detail']),
  };
}
