import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 500 });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Names, owners and numbers of everything in the database: equal before and after means untouched. */
async function fingerprint(database = 'shop'): Promise<unknown> {
  return server.sql(
    database,
    `select n.nspname, c.relname, c.oid::text, c.relfilenode::text, pg_relation_size(c.oid)::text as size
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1, 2`,
  );
}

async function filesOf(holdfast: Installation, id: string): Promise<string[]> {
  const folder = join(holdfast.storage, 'shop', id);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function expectRefused(holdfast: Installation, id: string, what: string): Promise<void> {
  const before = await fingerprint();
  const verified = await holdfast.run('verify', id, '--depth', 'checksum');
  expect(verified.status, `verify, ${what}: ${verified.stderr}`).toBe(6);
  const restored = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
  expect(restored.status, `restore, ${what}: ${restored.stderr}`).toBe(6);
  expect(restored.stderr, what).toMatch(/^error: .*\([A-Z_]+\)$/m);
  expect(await fingerprint(), what).toEqual(before);
  expect(await server.databases(), what).toEqual(['postgres', 'shop']);
}

describe.each(['custom', 'directory', 'plain'])(
  'B-d8: a damaged %s backup is refused before the target is touched',
  (format) => {
    let holdfast: Installation;
    let id: string;
    let pristine: string;
    let folder: string;

    beforeAll(async () => {
      holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { format } } });
      ({ id } = await holdfast.json<{ id: string }>('backup'));
      folder = join(holdfast.storage, 'shop', id);
      pristine = join(holdfast.folder, 'pristine');
      await cp(folder, pristine, { recursive: true });
    });
    afterAll(() => holdfast[Symbol.asyncDispose]());

    async function mend(): Promise<void> {
      await rm(folder, { recursive: true });
      await cp(pristine, folder, { recursive: true });
    }

    test('S4: one bit flipped in any artifact or in the manifest', async () => {
      const files = await filesOf(holdfast, id);
      expect(files.length).toBeGreaterThan(1);
      const largest = files.filter((file) => !file.endsWith('drills')).slice(0, 6);
      for (const file of new Set([...largest, join(folder, 'manifest.json')])) {
        const bytes = await readFile(file);
        if (bytes.length === 0) continue;
        const at = Math.floor(bytes.length / 2);
        bytes[at] = (bytes[at] ?? 0) ^ 0b100;
        await writeFile(file, bytes);
        await expectRefused(holdfast, id, file.slice(folder.length));
        await mend();
      }
    });

    test('S5: a truncated and a missing artifact', async () => {
      const artifact = (await filesOf(holdfast, id)).find((file) => /database/.test(file)) ?? '';
      await truncate(artifact, 10);
      await expectRefused(holdfast, id, 'truncated');
      await mend();
      await rename(artifact, `${artifact}.away`);
      await expectRefused(holdfast, id, 'missing');
      await mend();
    });

    test('S5: a manifest of a newer format says so', async () => {
      const manifest = join(folder, 'manifest.json');
      const text = await readFile(manifest, 'utf8');
      await writeFile(manifest, text.replace('"format": 1', '"format": 2'));
      const { status, stderr } = await holdfast.run('restore', id, '--yes');
      expect(status).toBe(6);
      expect(stderr).toMatch(/MANIFEST_NEWER/);
      await mend();
    });

    test('after all that, the untouched backup still drills', async () => {
      expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
    });
  },
);

test('S5: a manifest that points outside its backup is refused', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { format: 'custom' } } });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const file = join(holdfast.storage, 'shop', id, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  for (const path of ['../../../etc/passwd', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'a\0b', '']) {
    const hostile = { ...manifest, artifacts: [{ ...manifest.artifacts[0], path }] };
    await writeFile(file, JSON.stringify(sealed(hostile)));
    const { status, stdout, stderr } = await holdfast.run('verify', id);
    expect(status, path).toBe(6);
    expect(stdout + stderr, path).toMatch(path === '' ? /MANIFEST_DAMAGED/ : /MANIFEST_HOSTILE/);
  }
});

/** With a right digest, as an attacker would write it: the path itself must be what is refused. */
function sealed(manifest: Record<string, unknown>): Record<string, unknown> {
  const { digest: _old, ...content } = manifest;
  return { ...content, digest: createHash('sha256').update(canonical(content)).digest('hex') };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}
