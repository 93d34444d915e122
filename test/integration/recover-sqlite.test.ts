import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';

test('promise 5: of an SQLite database with folders, a storage and the passphrase are enough, and what is typed is told', async () => {
  await using installed = await installHoldfast({ url: '' });
  const at = (...names: string[]) => join(installed.folder, ...names);
  const encryption = { passphrase: 'eine lange passphrase' };
  const storages = { offsite: { type: 'local', path: './offsite' } };
  await mkdir(at('uploads'));
  await writeFile(at('uploads/a.txt'), 'a letter');
  runIn(at('shop.sqlite'), "create table item (id integer primary key, name text); insert into item values (1, 'one')");
  await installed.configure({
    state: './state',
    encryption,
    sources: { shop: { database: { path: './shop.sqlite' }, files: [{ name: 'uploads', path: './uploads' }] } },
    storages,
  });
  const { id } = await installed.json<{ id: string }>('backup');
  for (const gone of ['state', 'uploads', 'shop.sqlite']) await rm(at(gone), { recursive: true });
  await installed.configure({ state: './state', encryption, storages });

  expect(await installed.json('verify', id)).toMatchObject({ ok: true, depth: 'structure' });
  expect(await installed.json('drill', id)).toMatchObject({ ok: true });
  for (const words of [[], ['--into', 'back'], ['--into', './back.sqlite']]) {
    const refused = await installed.run('restore', id, '--yes', ...words);
    expect(refused, words.join(' ')).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain('SOURCE_NOT_CONFIGURED');
    expect(refused.stderr).toContain('sqlite:///');
    expect(refused.stderr).not.toContain('is postgres');
  }
  const back = await installed.run('restore', id, '--into', `sqlite://${at('back.sqlite')}`, '--yes');
  expect(back.status, back.stderr).toBe(0);
  using db = new DatabaseSync(at('back.sqlite'), { readOnly: true });
  expect(db.prepare('select * from item').all()).toMatchObject([{ id: 1, name: 'one' }]);
  const folders = await installed.run('restore', 'files', id, '--to', at('recovered'), '--yes');
  expect(folders.status, folders.stderr).toBe(0);
  expect(await readFile(at('recovered/uploads/a.txt'), 'utf8')).toBe('a letter');
}, 300_000);
