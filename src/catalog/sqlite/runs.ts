import type { RunProgress, RunLine, RunRecord, RunRecords } from '../catalog.ts';
import type { Connection, Row, Values } from './connection.ts';
import { fromJson, toJson } from './json.ts';

const columns = {
  operation: 'operation',
  source: 'source',
  backup: 'backup',
  trigger: 'trigger',
  state: 'state',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  host: 'host',
  pid: 'pid',
  process: 'process',
  error: 'error',
  result: 'result',
} as const satisfies Record<Exclude<keyof RunRecord, 'id'>, string>;

const insert = `insert into runs (id, ${Object.values(columns).join(', ')})
  values ($id, ${Object.keys(columns)
    .map((key) => `$${key}`)
    .join(', ')})`;

export function runRecords(connection: Connection): RunRecords {
  return {
    add: (run) => {
      connection.run(insert, { id: run.id, ...toValues(run) });
    },
    update: (id, change) => {
      const values = toValues(change);
      const keys = Object.keys(values) as (keyof typeof columns)[];
      if (keys.length === 0) return;
      const changes = keys.map((key) => `${columns[key]} = $${key}`).join(', ');
      connection.run(`update runs set ${changes} where id = $id`, { id, ...values });
    },
    get: (id) => {
      const row = connection.get('select * from runs where id = $id', { id });
      return row ? toRun(row) : null;
    },
    // By order of insertion: a clock that was set back must not hide the newest run.
    list: ({ limit = -1, ...wanted }) => {
      // Only what is asked for, so that an index of the column serves.
      const asked = (['source', 'operation', 'state'] as const).filter((column) => wanted[column] !== undefined);
      const conditions = asked.map((column) => `${column} = $${column}`);
      const values: Values = { limit };
      for (const column of asked) values[column] = wanted[column] ?? null;
      if (wanted.sources !== undefined) {
        conditions.push('source in (select value from json_each($sources))');
        values['sources'] = toJson(wanted.sources);
      }
      if (wanted.before !== undefined) {
        conditions.push('rowid < (select rowid from runs where id = $before)');
        values['before'] = wanted.before;
      }
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
      const sql = `select * from runs ${indexFor(asked)} ${where} order by rowid desc limit $limit`;
      return connection.all(sql, values).map(toRun);
    },
    log: (run, { at, level, message, fields }) => {
      connection.run(
        'insert into run_lines (run, at, level, message, fields) values ($run, $at, $level, $message, $fields)',
        {
          run,
          at,
          level,
          message,
          fields: toJson(fields),
        },
      );
    },
    lines: (run) => connection.all('select * from run_lines where run = $run order by rowid', { run }).map(toLine),
    unnoticed: () =>
      connection
        .all(
          // Told which: to find them in their order SQLite would rather read all runs, each time somebody asks.
          `select * from runs indexed by runs_unnoticed
           where noticed < 2 and (noticed = 0 or finished_at is not null) order by rowid limit 200`,
        )
        .map(toRun),
    notice: ({ id, finishedAt }) => {
      connection.run('update runs set noticed = max(noticed, $phase) where id = $id', {
        id,
        phase: finishedAt === null ? 1 : 2,
      });
    },
    lastGood: (operation) =>
      new Map(
        connection
          .all(
            `select source, started_at from runs where rowid in (
               select max(rowid) from runs
               where operation = $operation and state in ('succeeded', 'partial') and result ->> '$.only' is null
                 and source is not null group by source)`,
            { operation },
          )
          .map((row) => [row['source'] as string, row['started_at'] as string]),
      ),
    setProgress: (id, progress) => {
      connection.run('update runs set progress = $progress where id = $id', { id, progress: toJson(progress) });
    },
    progressOf: (id) =>
      fromJson(
        connection.get('select progress from runs where id = $id and finished_at is null', { id })?.['progress'],
      ) as RunProgress | null,
    requestCancel: (id, by) =>
      connection.run(`update runs set cancel = $by where id = $id and state in ('queued', 'running')`, { id, by }) > 0,
    cancelledBy: (id) =>
      (connection.get('select cancel from runs where id = $id', { id })?.['cancel'] ?? null) as string | null,
    trim: ({ runs, before }) =>
      connection.run(
        `delete from runs where finished_at is not null
           and (finished_at < $before or rowid <= (select rowid from runs order by rowid desc limit 1 offset $runs))
           and rowid not in (
             select max(rowid) from runs where state in ('succeeded', 'partial') group by operation, source
             union all
             select max(rowid) from runs where state in ('succeeded', 'partial') and result ->> '$.only' is null
               group by operation, source)`,
        { runs, before },
      ),
  };
}

/** Each gives the newest first and ends with the last that is asked for. By itself SQLite takes one that reads all runs of a state, or sorts. */
function indexFor(asked: readonly string[]): string {
  if (asked.length === 3) return 'indexed by runs_by_kind';
  if (asked.includes('state')) return 'indexed by runs_by_state';
  return asked.includes('source') ? 'indexed by runs_by_source' : '';
}

function toValues(change: Partial<RunRecord>): Values {
  const values: Values = {};
  for (const key of Object.keys(columns) as (keyof typeof columns)[]) {
    const value = change[key];
    if (value === undefined) continue;
    if (key === 'error' || key === 'result') values[key] = toJson(value);
    else values[key] = value as string | number | null;
  }
  return values;
}

function toRun(row: Row): RunRecord {
  return {
    id: row['id'] as string,
    operation: row['operation'] as RunRecord['operation'],
    source: row['source'] as string | null,
    backup: row['backup'] as string | null,
    trigger: row['trigger'] as string,
    state: row['state'] as RunRecord['state'],
    startedAt: row['started_at'] as string,
    finishedAt: row['finished_at'] as string | null,
    host: row['host'] as string,
    pid: row['pid'] as number,
    process: row['process'] as string | null,
    error: fromJson(row['error']) as RunRecord['error'],
    result: fromJson(row['result']),
  };
}

function toLine(row: Row): RunLine {
  return {
    at: row['at'] as string,
    level: row['level'] as RunLine['level'],
    message: row['message'] as string,
    fields: fromJson(row['fields']) as RunLine['fields'],
  };
}
