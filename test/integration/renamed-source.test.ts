import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';

interface Examined {
  findings: { subject: string; check: string; result: string; detail: string; hint: string | null }[];
}

test('a source that was renamed leaves backups that doctor tells of; those of other machines are theirs', async () => {
  await using holdfast = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
  const { folder, storage } = holdfast;
  runIn(join(folder, 'shop.sqlite'), 'create table item (id integer primary key)');
  const configured = (source: string) => ({
    state: './state',
    sources: { [source]: { database: { path: './shop.sqlite' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  await holdfast.configure(configured('shop'));
  await holdfast.json('backup');
  const about = async (source: string) => {
    const { stdout } = await holdfast.run('doctor', '--json');
    const { findings } = JSON.parse(stdout) as Examined;
    return findings.filter(({ subject, check }) => subject === `source ${source}` && check === 'configured');
  };
  await cp(join(storage, 'shop'), join(storage, 'theirs'), { recursive: true });
  expect(await about('shop')).toEqual([]);
  await holdfast.configure(configured('store'));
  expect(await about('shop')).toMatchObject([
    {
      result: 'warning',
      detail: expect.stringContaining('backups of it lie in local') as unknown,
      hint: expect.stringContaining('holdfast list --source shop') as unknown,
    },
  ]);
  expect(await about('theirs')).toEqual([]);
  // What the hint names can be done.
  const [old] = await holdfast.json<{ id: string }[]>('list', '--source', 'shop');
  expect(old).toBeDefined();
  expect(await holdfast.run('delete', old?.id ?? '', '--source', 'shop', '--yes', '--allow-last')).toMatchObject({
    status: 0,
  });
  expect(await about('shop')).toEqual([]);
});
