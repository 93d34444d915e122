import { mkdir } from 'node:fs/promises';
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

test('S21 `restore latest` says that there is a newer backup with fewer parts, in every form', async () => {
  const uploads = `${folder.path}/uploads`;
  await mkdir(uploads);
  await using holdfast = await installHoldfast({
    url: '',
    settings: { database: { path }, files: [{ name: 'uploads', path: uploads }] },
  });
  const whole = await holdfast.json<{ id: string }>('backup');
  type Planned = { id: string; guards: { code: string; result: string; detail: string }[] };
  const told = ({ guards }: Planned) => guards.filter(({ code }) => code === 'latest');
  const before = await holdfast.json<Planned>('restore', 'latest', '--dry-run');
  expect([before.id, told(before)]).toEqual([whole.id, []]);

  const some = await holdfast.json<{ id: string }>('backup', '--only', 'files');
  const planned = await holdfast.json<Planned>('restore', 'latest', '--dry-run');
  expect(planned.id).toBe(whole.id);
  expect(told(planned)).toMatchObject([
    { result: 'warn', detail: expect.stringContaining(`${some.id}, has only the files`) },
  ]);
  expect((await holdfast.run('restore', 'latest', '--dry-run')).stdout).toContain(some.id);
  expect(told(await holdfast.json<Planned>('restore', 'latest', '--yes', '--no-safety-backup'))).toHaveLength(1);
  expect(told(await holdfast.json<Planned>('restore', whole.id, '--dry-run'))).toEqual([]);
});
