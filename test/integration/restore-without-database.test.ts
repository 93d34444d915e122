import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';

let installed: Installation;
let file: string;
beforeAll(async () => {
  installed = await installHoldfast({ url: 'sqlite:./unused.sqlite' });
  await mkdir(join(installed.folder, 'data'));
  file = join(installed.folder, 'data', 'page');
  await writeFile(file, 'saved');
  await installed.configure({
    state: './state',
    sources: { pages: { files: [{ path: './data' }] } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  await installed.json('backup');
  await writeFile(file, 'live');
});
afterAll(() => installed[Symbol.asyncDispose]());

test.each([
  [['--into', 'elsewhere'], '--into', 'restore files'],
  [['--table', 'public.item'], '--table', ''],
  [['--schema', 'public'], '--schema', ''],
  [['--in-place'], '--in-place', ''],
  [['--no-owner'], '--no-owner', ''],
  [['--jobs', '2'], '--jobs', ''],
  [['--if-connected', 'refuse'], '--if-connected', ''],
  [['--db-only'], '--db-only', ''],
])(
  'what only a database can do is refused before the folders of a source without one are replaced: %j',
  async (words, named, hinted) => {
    const { status, stderr } = await installed.run('restore', 'latest', ...words, '--yes');
    expect([status, stderr]).toEqual([2, expect.stringContaining('(OPTIONS_CONFLICT)')]);
    expect(stderr).toContain(named);
    expect(stderr).toContain(hinted);
    if (named === '--into') expect(stderr).toContain('--to');
    expect(await readFile(file, 'utf8')).toBe('live');
  },
);

test('without them, the folders come back', async () => {
  const { status, stderr } = await installed.run('restore', 'latest', '--keep-old', '--yes');
  expect(status, stderr).toBe(0);
  expect(await readFile(file, 'utf8')).toBe('saved');
  expect((await readdir(installed.folder)).filter((name) => name.startsWith('data'))).toHaveLength(2);
});
