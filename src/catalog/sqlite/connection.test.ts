import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from './connection.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-connection-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('S3 no space left: DISK_FULL, and what was there before is untouched', () => {
  using connection = connect(join(folder, 'x.sqlite'));
  connection.script('create table t (a text); pragma max_page_count = 8');
  connection.run('insert into t values ($a)', { a: 'before' });
  const fill = () =>
    connection.transaction(() => {
      for (let n = 0; n < 100; n += 1) connection.run('insert into t values ($a)', { a: 'x'.repeat(4000) });
    });
  expect(fill).toThrow(expect.objectContaining({ code: 'DISK_FULL', hint: expect.any(String) }));
  expect(connection.all('select a from t')).toEqual([{ a: 'before' }]);
  connection.run('insert into t values ($a)', { a: 'after' });
});

test('a transaction is undone as a whole, and its error comes through as it is', () => {
  using connection = connect(join(folder, 'x.sqlite'));
  connection.script('create table t (a text)');
  const error = new Error('ours');
  const work = () => {
    connection.run('insert into t values ($a)', { a: 'half' });
    throw error;
  };
  expect(() => connection.transaction(work)).toThrow(error);
  expect(connection.all('select a from t')).toEqual([]);
});

test('a folder that does not exist', () => {
  expect(() => connect(join(folder, 'nowhere', 'x.sqlite'))).toThrow(
    expect.objectContaining({ code: 'NO_PERMISSION' }),
  );
});
