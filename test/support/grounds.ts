import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasMysql, product, startMysql } from './mysql-server.ts';
import { startPostgres } from './postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A database of one engine to try everything on, spoken to in the SQL that all of them understand. */
export interface Ground extends AsyncDisposable {
  /** What `database:` of the configuration says. */
  database: Record<string, unknown>;
  sql(...statements: string[]): Promise<Record<string, unknown>[]>;
  quoted(name: string): string;
  /** Databases (or files) beside the live one. */
  others(): Promise<string[]>;
}

export const hostileTable = 'Bücher & "mehr"; drop table orders -- $HOME';

/** By the name of the engine. */
export const grounds: Record<string, { possible: boolean; start: () => Promise<Ground> }> = {
  postgres: { possible: true, start: startPostgresGround },
  mariadb: { possible: hasMysql() && product === 'mariadb', start: startMysqlGround },
  mysql: { possible: hasMysql() && product === 'mysql', start: startMysqlGround },
  sqlite: { possible: true, start: startSqliteGround },
};

async function startPostgresGround(): Promise<Ground> {
  const server = await startPostgres();
  await server.createDatabase('shop');
  return {
    database: { url: server.url('shop') },
    sql: (...statements) => all(statements, (statement) => server.sql('shop', statement)),
    quoted: (name) => `"${name.replaceAll('"', '""')}"`,
    others: async () => (await server.databases()).filter((name) => !['postgres', 'shop'].includes(name)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startMysqlGround(): Promise<Ground> {
  const server = await startMysql();
  await server.sql(null, 'create database shop character set utf8mb4');
  return {
    database: { url: server.url('shop') },
    sql: (...statements) => all(statements, (statement) => server.sql('shop', statement)),
    quoted: (name) => `\`${name.replaceAll('`', '``')}\``,
    others: async () => (await server.databases()).filter((name) => name !== 'shop'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startSqliteGround(): Promise<Ground> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'shop.db');
  return {
    database: { path },
    sql: (...statements) =>
      all(statements, async (statement) => {
        using db = new DatabaseSync(path);
        return db.prepare(statement).all();
      }),
    quoted: (name) => `"${name.replaceAll('"', '""')}"`,
    others: async () => (await readdir(folder.path)).filter((name) => !/^shop\.db(-wal|-shm|-journal)?$/.test(name)),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function all(
  statements: readonly string[],
  run: (statement: string) => Promise<Record<string, unknown>[]>,
): Promise<Record<string, unknown>[]> {
  let rows: Record<string, unknown>[] = [];
  for (const statement of statements) rows = await run(statement);
  return rows;
}

const columns = 'id, name, amount, note';

/** Two related tables, one of them with a name that would break anything put together from text. */
export async function fillGround(ground: Ground, rows: number): Promise<void> {
  const hostile = ground.quoted(hostileTable);
  await ground.sql(
    'create table customers (id integer not null primary key, name varchar(200))',
    'create table orders (id integer not null primary key, name varchar(200), amount numeric(12, 2), note varchar(400), customer integer references customers (id))',
    `create table ${hostile} (id integer not null primary key, name varchar(200), amount numeric(12, 2), note varchar(400))`,
    "insert into customers (id, name) values (1, 'ends in a backslash \\\\'), (2, 'it''s'), (3, null)",
    `insert into ${hostile} (${columns}) values (1, 'ü😀', 1.50, ''), (2, '% _ $1 :x', null, 'two')`,
  );
  for (let from = 1; from <= rows; from += 500) {
    const values = Array.from({ length: Math.min(500, rows - from + 1) }, (_, index) => {
      const id = from + index;
      return `(${id}, 'order ${id}', ${id}.25, '${createHash('sha256').update(String(id)).digest('hex').repeat(4)}', ${(id % 3) + 1})`;
    });
    await ground.sql(`insert into orders (${columns}, customer) values ${values.join(', ')}`);
  }
}

/** A digest per table of everything in it. */
export async function contentOfGround(ground: Ground): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const table of ['customers', 'orders', ground.quoted(hostileTable)]) {
    const rows = await ground.sql(`select * from ${table} order by id`);
    const text = JSON.stringify(rows.map((row) => Object.values(row).map(String)));
    content[table] = `${rows.length}:${createHash('sha256').update(text).digest('hex')}`;
  }
  return content;
}
