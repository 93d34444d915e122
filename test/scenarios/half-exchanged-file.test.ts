import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { usersOf } from '../../src/engines/sqlite/users.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

/** For every process of the program: the one that is to rename a file to `to` ends instead, with the one that started it. */
const killer = (to: string) => `
  import fs from 'node:fs';
  import children from 'node:child_process';
  import { syncBuiltinESMExports } from 'node:module';
  const { renameSync } = fs;
  fs.renameSync = (from, to) => {
    if (to === ${JSON.stringify(to)}) {
      process.kill(process.ppid, 'SIGKILL');
      process.kill(process.pid, 'SIGKILL');
    }
    renameSync(from, to);
  };
  const { spawn } = children;
  const { NODE_OPTIONS } = process.env;
  children.spawn = (program, args, options) => spawn(program, args, { ...options, env: { ...options?.env, NODE_OPTIONS } });
  syncBuiltinESMExports();
`;

test('S14 a restore killed between the second name of an SQLite file and its exchange is known as that, and undo takes it back, with its folders', async () => {
  await using folder = await temporaryFolder();
  const [data, uploads] = [join(folder.path, 'data'), join(folder.path, 'uploads')];
  for (const each of [data, uploads]) mkdirSync(each);
  const path = join(data, 'app.sqlite');
  runIn(path, 'create table orders (id integer primary key); insert into orders values (1)');
  writeFileSync(join(uploads, 'a.txt'), 'saved');
  await using holdfast = await installHoldfast({
    url: `sqlite://${path}`,
    settings: { database: { engine: 'sqlite', path }, files: [{ name: 'uploads', path: uploads }] },
  });
  const { id } = await holdfast.json<{ id: string }>('backup');
  runIn(path, 'insert into orders values (2)');
  writeFileSync(join(uploads, 'a.txt'), 'lives');

  const hook = join(folder.path, 'killer.mjs');
  writeFileSync(hook, killer(path));
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
  const restore = holdfast.start(env, 'restore', id, '--yes', '--keep-old', '--no-safety-backup');
  const ended = await restore.ended;
  expect(ended.signal, ended.stderr).toBe('SIGKILL');
  await until(async () => (await usersOf(path)).length === 0, 'the process that exchanges files has ended as well');
  expect(rowsOf(path, 'select id from orders')).toHaveLength(2);
  expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('saved');

  const doctor = await holdfast.run('doctor');
  expect(doctor.stdout).toMatch(/restore.*cut off: the folders \(uploads\) are those of the backup/);
  expect(doctor.stdout).toMatch(/unfinished swap.*app\.sqlite_before_/);
  const again = await holdfast.run('restore', id, '--yes');
  expect(again.status, again.stderr).not.toBe(0);
  expect(again.stderr).toContain('DATABASE_HALF_SWAPPED');

  const undone = await holdfast.json<{ kept: string }>('restore', '--undo', '--yes');
  expect(undone.kept).toMatch(/^app\.sqlite_restoring_/);
  expect(rowsOf(path, 'select id from orders')).toHaveLength(2);
  expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('lives');
  expect(readdirSync(data).toSorted()).toEqual(['app.sqlite', undone.kept]);
  expect(rowsOf(join(data, undone.kept), 'select id from orders')).toHaveLength(1);
  await holdfast.json('restore', id, '--yes');
  expect(rowsOf(path, 'select id from orders')).toHaveLength(1);
});
