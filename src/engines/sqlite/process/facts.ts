import { opened, reading, scalar, type State } from './connection.ts';

export interface FileFacts {
  version: string;
  encoding: string;
  pageSize: number;
  pageCount: number;
  freePages: number;
  userVersion: number;
  applicationId: number;
  journalMode: string;
  autoVacuum: number;
  relations: number;
  entries: number;
  /** Modules of virtual tables; a program without them cannot use these tables. */
  modules: string[];
}

export function facts(state: State): FileFacts {
  return reading(state, () => read(state));
}

function read(state: State): FileFacts {
  const db = opened(state);
  const number = (sql: string) => Number(scalar(db, sql) ?? 0);
  return {
    version: String(scalar(db, 'select sqlite_version()')),
    encoding: String(scalar(db, 'pragma encoding')),
    pageSize: number('pragma page_size'),
    pageCount: number('pragma page_count'),
    freePages: number('pragma freelist_count'),
    userVersion: number('pragma user_version'),
    applicationId: number('pragma application_id'),
    journalMode: String(scalar(db, 'pragma journal_mode')),
    autoVacuum: number('pragma auto_vacuum'),
    relations: number(
      `select count(*) from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\'`,
    ),
    entries: number('select count(*) from sqlite_schema'),
    modules: modulesOf(state),
  };
}

function modulesOf(state: State): string[] {
  const rows = opened(state)
    .prepare(`select sql from sqlite_schema where type = 'table' and sql like 'create virtual table%'`)
    .all();
  const names = rows.flatMap(({ sql }) => /\busing\s+([^\s(]+)/i.exec(String(sql))?.[1]?.toLowerCase() ?? []);
  return [...new Set(names)].toSorted();
}
