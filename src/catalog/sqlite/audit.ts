import type { AuditRecord, AuditRecords } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';

const insert = `insert into audit (at, who, via, "from", action, source, target, run, outcome, detail, open)
  values ($at, $who, $via, $from, $action, $source, $target, $run, $outcome, $detail, $open)`;

export function auditRecords(connection: Connection): AuditRecords {
  return {
    add: (record) => {
      connection.run(insert, { ...record, open: 0 });
    },
    begin: (record) => {
      const write = () => connection.get(`${insert} returning number`, { ...record, outcome: 'started', open: 1 });
      return connection.transaction(write)?.['number'] as number;
    },
    about: (number, { source = null, target = null, detail = null, run = null }) => {
      connection.run(
        `update audit set source = coalesce($source, source), target = coalesce($target, target),
           detail = coalesce($detail, detail) where number = $number`,
        { number, source, target, detail },
      );
      if (run !== null) connection.run('update audit set run = $run where number = $number', { number, run });
    },
    end: (number, { outcome, detail }) => {
      connection.run(
        `update audit set open = 0, outcome = $outcome, detail = coalesce($detail, detail)
         where number = $number and open = 1 and run is null`,
        { number, outcome, detail },
      );
    },
    abandon: () => {
      connection.run(
        `update audit set open = 0, outcome = 'failed', detail = 'INTERRUPTED' where open = 1
           and (run is null or run not in (select id from runs where finished_at is null))`,
        {},
      );
    },
    list: ({ who, source, action, before, limit }) =>
      connection
        .all(
          `select * from audit where ($who is null or who = $who) and ($source is null or source = $source)
             and ($action is null or action = $action) and ($before is null or number < $before)
           order by number desc limit $limit`,
          { who: who ?? null, source: source ?? null, action: action ?? null, before: before ?? null, limit },
        )
        .map(toAudit),
    trim: (before) => {
      connection.run('delete from audit where at < $before', { before });
    },
  };
}

function toAudit(row: Row): AuditRecord & { number: number } {
  return {
    number: row['number'] as number,
    at: row['at'] as string,
    who: row['who'] as string,
    via: row['via'] as AuditRecord['via'],
    from: row['from'] as string | null,
    action: row['action'] as string,
    source: row['source'] as string | null,
    target: row['target'] as string | null,
    run: row['run'] as string | null,
    outcome: row['outcome'] as AuditRecord['outcome'],
    detail: row['detail'] as string | null,
  };
}
