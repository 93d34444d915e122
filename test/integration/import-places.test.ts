import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderPlace, storagePlace } from '../../src/archive/foreign/place.ts';
import { forward } from '../../src/storage/forward.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import { temporaryFolder } from '../support/databases.ts';

const signal = AbortSignal.timeout(60_000);

test('from a storage that is not on this machine, a file is fetched for as long as it is needed', async () => {
  await using folder = await temporaryFolder();
  const scratch = join(folder.path, 'scratch');
  await mkdir(join(folder.path, 'bucket/old'), { recursive: true });
  await writeFile(join(folder.path, 'bucket/old/a_20260115T020000Z.dump'), 'content');
  await using local = localStorage('far', { type: 'local', path: join(folder.path, 'bucket') });
  const far = { ...forward(local), localPath: () => null };
  const place = storagePlace(far, 'old/', scratch);
  const [file] = (await place.list(signal)).files;
  if (!file) throw new Error('nothing was listed');
  {
    await using fetched = await place.locally(file, signal);
    expect(await readFile(fetched.path, 'utf8')).toBe('content');
  }
  expect(await readdir(scratch)).toEqual([]);
  await expect(place.locally({ ...file, bytes: 9 }, signal)).rejects.toMatchObject({ code: 'STORAGE_CUT' });
  expect(await readdir(scratch)).toEqual([]);
});

test('a folder is walked with its own name in front, since it may be a backup itself', async () => {
  await using folder = await temporaryFolder();
  const tree = join(folder.path, '2025-03-01_05-15-00');
  await mkdir(tree);
  await writeFile(join(tree, 'database.sql.gz'), '');
  const { files } = await folderPlace(tree).list(signal);
  expect(files.map(({ path }) => path)).toEqual(['2025-03-01_05-15-00/database.sql.gz']);
});
