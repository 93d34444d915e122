import { once } from 'node:events';
import type { Installation } from './holdfast.ts';
import { startMysql, type TestMysql } from './mysql-server.ts';
import { until } from './until.ts';

/** A server with a database `shop`, in which one customer lives. */
export async function startSmallShop(): Promise<TestMysql> {
  const server = await startMysql();
  await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
  await server.sql(
    'shop',
    'CREATE TABLE customer (id INT PRIMARY KEY)',
    'INSERT INTO customer VALUES (1)',
    'CREATE VIEW customers AS SELECT id FROM customer',
  );
  return server;
}

/** Restores a backup into the database `shop`, and kills the restore while its table `customer` changes places. */
export async function killInSwap(server: TestMysql, holdfast: Installation, id: string): Promise<void> {
  await killWhileSwapping(
    server,
    () => holdfast.start({}, 'restore', id, '--yes', '--no-safety-backup'),
    'shop_before_',
  );
}

/** Kills an undo at the same place. */
export async function killInUndo(server: TestMysql, holdfast: Installation): Promise<void> {
  await killWhileSwapping(server, () => holdfast.start({}, 'restore', '--undo', '--yes'), 'shop_undone_');
}

async function killWhileSwapping(
  server: TestMysql,
  start: () => ReturnType<Installation['start']>,
  keeps: string,
): Promise<void> {
  {
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM shop.customer');
    const running = start();
    await until(async () => doing(server, 'RENAME TABLE'), 'the renaming waits for the table');
    await kill(running);
    await holder.query('COMMIT');
  }
  await until(
    async () => (await server.databases()).some((name) => name.startsWith(keeps)),
    'the database that keeps what lived',
  );
  await until(async () => (await server.connections()).length === 0, 'the last statement has ended');
}

/** Kills it after its swap, before it has cleared away what is left of that. */
export async function killAfterSwap(server: TestMysql, holdfast: Installation, id: string): Promise<void> {
  await using journal = await server.session(null);
  await using holder = await server.session(null);
  await holder.query('START TRANSACTION');
  await holder.query('SELECT * FROM shop.customer');
  const restore = holdfast.start({}, 'restore', id, '--yes', '--no-safety-backup');
  await until(async () => doing(server, 'RENAME TABLE'), 'the renaming waits for the table');
  const emptied = (await server.databases()).find((name) => name.startsWith('shop_restoring_')) ?? '';
  await journal.query('START TRANSACTION');
  await journal.query(`SELECT * FROM ${emptied}.holdfast_swap`);
  await holder.query('COMMIT');
  await until(async () => doing(server, 'DROP DATABASE'), 'what was emptied waits to be dropped');
  await kill(restore);
  await journal.query('COMMIT');
}

async function doing(server: TestMysql, statement: string): Promise<boolean> {
  return (await server.connections()).some(({ info }) => info?.startsWith(statement));
}

async function kill({ child, ended }: ReturnType<Installation['start']>): Promise<void> {
  child.kill('SIGKILL');
  await Promise.all([ended, child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null]);
}
