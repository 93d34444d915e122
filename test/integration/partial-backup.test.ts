import { afterEach, beforeEach, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { freePort } from '../support/loopback.ts';
import { runIn } from '../support/sqlite.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let path: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = `${folder.path}/noco.db`;
  runIn(
    path,
    'create table nc_bases (id integer primary key, title text); insert into nc_bases values (1, $$Shop$$)'.replaceAll(
      '$$',
      "'",
    ),
  );
});
afterEach(() => folder[Symbol.asyncDispose]());

async function installWith(app: Record<string, unknown>): Promise<Installation> {
  const url = `http://127.0.0.1:${await freePort()}`;
  return installHoldfast({
    url: '',
    settings: { database: { path }, app: { kind: 'nocodb', url, token: 'nc_nobody', timeout: '2s', ...app } },
  });
}

test('N-08 N-d2 NocoDB that cannot be asked costs its export, never the dump: partial, told, and it restores', async () => {
  await using holdfast = await installWith({});
  const made = await holdfast.run('backup', '--json');
  expect(made.status, made.stderr).toBe(3);
  const result = JSON.parse(made.stdout) as { id: string; state: string; failed: { code: string; part: string }[] };
  expect(result).toMatchObject({ state: 'partial', failed: [{ code: 'NOCODB_UNREACHABLE' }] });
  const { manifest } = await holdfast.json<{ manifest: { app: unknown; warnings: string[] } }>('show', result.id);
  expect(manifest.app).toBeNull();
  expect(manifest.warnings.join('\n')).toMatch(/is not in this backup: .*\(NOCODB_UNREACHABLE\)/);
  expect(await holdfast.json('verify', result.id, '--depth', 'structure')).toMatchObject({ ok: true });
  expect(await holdfast.json('restore', result.id, '--yes', '--no-safety-backup')).toMatchObject({
    state: 'succeeded',
  });
  expect(await holdfast.json('runs', '--limit', '10')).toEqual(
    expect.arrayContaining([expect.objectContaining({ operation: 'backup', state: 'partial' })]),
  );
});

test('N-08 where the source says that the export must be there, its failure fails the backup whole', async () => {
  await using holdfast = await installWith({ optional: false });
  const made = await holdfast.run('backup');
  expect(made.status).toBe(1);
  expect(made.stderr).toMatch(/\(NOCODB_UNREACHABLE\)/);
  expect(await holdfast.stored()).toEqual([]);
});
