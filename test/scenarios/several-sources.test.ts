import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';

let holdfast: Installation;
const path = (name: string) => join(holdfast.folder, `${name}.db`);
const write = (name: string, ...statements: string[]) => {
  using db = new DatabaseSync(path(name));
  for (const statement of statements) db.exec(statement);
};
const rows = (name: string) => {
  using db = new DatabaseSync(path(name));
  return db
    .prepare('select x from t order by x')
    .all()
    .map(({ x }) => x);
};
const backUp = async (name: string) => (await holdfast.json<{ id: string }>('backup', name)).id;

const sourceOf = (name: string) => ({ database: { path: `./${name}.db` }, storages: ['local'] });
const configured = (...names: string[]) => ({
  state: './state',
  sources: Object.fromEntries(names.map((name) => [name, sourceOf(name)])),
  storages: { local: { type: 'local', path: './backups' } },
});

beforeAll(async () => {
  holdfast = await installHoldfast({ url: '', top: configured('one', 'other') });
  for (const name of ['one', 'other']) write(name, 'create table t (x integer)', 'insert into t values (1)');
});
afterAll(() => holdfast[Symbol.asyncDispose]());

test('what is printed as the next step can be typed as it stands, also with several sources', async () => {
  const id = await backUp('one');
  expect((await holdfast.run('show', id)).stdout).toContain(id);
  write('one', 'insert into t values (2)');
  const { stdout } = await holdfast.run('restore', id, '--yes', '--keep-old');
  const line = /way back +holdfast (.*)/.exec(stdout)?.[1] ?? '';
  expect(line).toBe('restore --undo --source one');
  expect(rows('one')).toEqual([1]);
  expect((await holdfast.run(...line.split(' '), '--yes')).status).toBe(0);
  expect(rows('one')).toEqual([1, 2]);
  const unsure = await holdfast.run('restore', 'latest', '--yes');
  expect([unsure.status, unsure.stderr]).toEqual([2, expect.stringContaining('SOURCE_NEEDED')]);
  const two = await holdfast.run('backup', 'one', '--source', 'other');
  expect([two.status, two.stderr]).toEqual([2, expect.stringContaining('two sources')]);
});

test('of a backup that several sources have, only these are named', async () => {
  await holdfast.configure(configured('one', 'other', 'third'));
  write('third', 'create table t (x integer)');
  let [mine, others] = ['', ' '];
  while (mine !== others) [mine, others] = await Promise.all([backUp('one'), backUp('other')]);
  const { status, stderr } = await holdfast.run('show', mine);
  expect([status, stderr]).toEqual([2, expect.stringContaining('SOURCE_NEEDED')]);
  expect(stderr).toContain(`${mine} is a backup of several sources`);
  expect(stderr).toContain('`--source`: one, other.');
  expect((await holdfast.run('show', mine, '--source', 'other')).status).toBe(0);
});

test('the plan of a restore says whose backup it is, where it is of another installation', async () => {
  await holdfast.configure({ ...configured('one'), instance: 'staging' });
  const id = await backUp('one');
  expect((await holdfast.run('restore', id, '--dry-run')).stdout).not.toContain('staging');
  await holdfast.configure({ ...configured('one', 'other'), instance: 'web-1' });
  expect((await holdfast.run('restore', id, '--dry-run', '--source', 'one')).stdout).toMatch(/^taken .*, by staging$/m);
});

test('S17 the way back is that of the last restore, never of an older one', async () => {
  const id = await backUp('one');
  await holdfast.json('restore', id, '--yes', '--keep-old');
  write('one', 'insert into t values (3)');
  const later = await holdfast.json<{ safety: string }>('restore', id, '--yes');
  const refused = await holdfast.run('restore', '--undo', '--source', 'one', '--yes');
  expect(refused.status).toBe(2);
  expect(refused.stderr).toMatch(/NO_WAY_BACK/);
  expect(refused.stderr).toContain(`holdfast restore ${later.safety} --source one`);
  await holdfast.json('restore', later.safety, '--yes');
  expect(rows('one')).toContain(3);
});

test('options that would be left unheard are refused', async () => {
  const id = await backUp('one');
  for (const args of [
    ['restore', id, '--in-place', '--keep-old', '--yes'],
    ['restore', id, '--table', 't', '--keep-old', '--yes'],
    ['restore', '--undo', '--table', 't', '--source', 'one', '--yes'],
    ['restore', '--undo', '--into', 'x', '--source', 'one', '--yes'],
  ]) {
    const { status, stderr } = await holdfast.run(...args);
    expect([args, status, stderr]).toEqual([args, 2, expect.stringContaining('(USAGE)')]);
  }
});

test('status tells of a backup that failed, whatever went well since', async () => {
  const id = await backUp('other');
  await unlink(path('other'));
  expect((await holdfast.run('backup', 'other')).status).not.toBe(0);
  // Of the same second as one of the other source, it is no name.
  await holdfast.json('verify', id, '--source', 'other');
  const status = await holdfast.json<{ source: string; failed: { operation: string } | null }[]>('status');
  expect(status.find(({ source }) => source === 'other')?.failed).toMatchObject({ operation: 'backup' });
});
