import type { Connection } from './connection.ts';

/** What is told apart by a name of its own: taken over as it was changed. */
const byName: ReadonlySet<string> = new Set([
  'runs',
  'locks',
  'backups',
  'copies',
  'keys',
  'marks',
  'users',
  'tokens',
  'sessions',
  'audit',
  'repeats',
]);

/** More lines than anybody writes into the audit log while its disk is full. */
const reserved = 1000;

/** Lines of the audit log that are written in a copy keep their numbers: those of the first ones written at home afterwards are others. */
export function reserveNumbers(copy: Connection): void {
  copy.transaction(() => {
    const last = copy.get(`select seq from sqlite_sequence where name = 'audit'`)?.['seq'] ?? 0;
    copy.run(`delete from sqlite_sequence where name = 'audit'`);
    copy.run(`insert into sqlite_sequence (name, seq) values ('audit', $seq)`, { seq: Number(last) + reserved });
  });
}

/**
 * What was done in a copy of the catalog, all of it or nothing. What another process has changed meanwhile stays as it is: whoever has lost a
 * lock so finds out when it is renewed, before anything is changed for good.
 */
export function bringHome(changes: Uint8Array, { from, to }: { from: string; to: Connection }): void {
  to.run('attach database $from as copy', { from });
  try {
    to.transaction(() => {
      const isNew = 'not in (select id from main.runs)';
      const runs = JSON.stringify(
        to.all(`select id from copy.runs where id ${isNew} order by rowid`).map(({ id }) => id),
      );
      // Runs and their lines are told in the order in which they were written; changes come in any.
      take('runs', 'id in (select value from json_each($runs))', to, runs);
      to.applyChanges(changes, byName);
      take('run_lines', 'run in (select value from json_each($runs))', to, runs);
      take('proofs', 'true', to, null);
      to.run('delete from main.sessions where user not in (select name from main.users)');
    });
  } finally {
    to.script('detach database copy');
  }
}

function take(table: string, which: string, to: Connection, runs: string | null): void {
  const columns = to.all(`pragma copy.table_info(${table})`).map(({ name }) => String(name));
  const list = columns.map((name) => `"${name}"`).join(', ');
  to.run(
    `insert or ignore into main.${table} (${list}) select ${list} from copy.${table} where ${which} order by rowid`,
    runs === null ? {} : { runs },
  );
}
