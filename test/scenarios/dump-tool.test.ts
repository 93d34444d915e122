import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;
const real = clientTools(15) ?? '';

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 5000 });
});
afterAll(() => server[Symbol.asyncDispose]());

/** A pg_dump that does its whole work and then ends badly: the bytes are all there, only the exit status says otherwise. */
const endings = {
  'exits with 1 after writing everything': `"${real}/pg_dump" "$@"; echo 'pg_dump: error: something late' >&2; exit 1`,
  'is killed after writing everything': `"${real}/pg_dump" "$@"; kill -9 $$`,
  'is killed in the middle': `"${real}/pg_dump" "$@" | head -c 20000; kill -9 $$`,
  'writes nothing and fails': `exit 1`,
};

for (const [title, script] of Object.entries(endings)) {
  test.each(['custom', 'plain'])(
    `S2, J-d13, T-d11: a pg_dump that ${title} leaves nothing listed (%s)`,
    async (format) => {
      await using holdfast = await installHoldfast({ url: server.url('shop') });
      const tools = join(holdfast.folder, 'tools');
      await mkdir(tools);
      for (const tool of ['pg_restore', 'psql', 'pg_dumpall']) await symlink(join(real, tool), join(tools, tool));
      const fake = join(tools, 'pg_dump');
      await writeFile(
        fake,
        `#!/bin/sh\ncase "$*" in *--version*) exec "${real}/pg_dump" --version ;; esac\n${script}\n`,
      );
      await chmod(fake, 0o755);
      await holdfast.configure({
        state: './state',
        sources: { shop: { database: { url: server.url('shop'), tools }, dump: { format, globals: false } } },
        storages: { local: { type: 'local', path: './backups' } },
      });

      const { status, stderr } = await holdfast.run('backup');

      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: .*pg_dump.*\([A-Z_]+\)$/m);
      expect(await holdfast.json('list')).toEqual([]);
      expect(await holdfast.stored()).toEqual([]);
      expect((await readdir(join(holdfast.storage, 'shop')).catch(() => [])).filter((name) => name !== '.')).toEqual(
        [],
      );
      expect(await holdfast.json('runs')).toMatchObject([{ operation: 'backup', state: 'failed' }]);
    },
  );
}

/** Everything real, but a pg_restore that is this script where it reads a dump. */
async function withRestore(holdfast: Installation, script: string): Promise<void> {
  const tools = join(holdfast.folder, 'tools');
  await mkdir(tools);
  for (const tool of ['pg_dump', 'psql', 'pg_dumpall']) await symlink(join(real, tool), join(tools, tool));
  const versions = `case "$*" in *--version*) exec "${real}/pg_restore" --version ;; esac`;
  await writeFile(join(tools, 'pg_restore'), `#!/bin/sh\n${versions}\n${script}\n`, { mode: 0o755 });
  await holdfast.configure({
    state: './state',
    sources: { shop: { database: { url: server.url('shop'), tools }, dump: { format: 'custom', globals: false } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
}

test.each([
  ['is stopped with its container', 'cat >/dev/null; exit 137'],
  ['has no container', 'echo "Error response from daemon: container 123 is not running" >&2; exit 1'],
  ['has no memory', 'echo "pg_restore: error: out of memory" >&2; exit 1'],
])(
  'S2 a pg_restore that %s fails the run, and costs no sound backup',
  async (_title, script) => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await withRestore(holdfast, script);
    const { status, stderr } = await holdfast.run('backup');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*pg_restore.*\(DUMP_UNREAD\)$/m);
    expect(await holdfast.stored()).toHaveLength(1);
  },
  120_000,
);

test('S2 what pg_restore says of a dump once is not believed before it says it twice', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const once = join(holdfast.folder, 'once');
  const wrong = 'echo "pg_restore: error: could not read from input file: end of file" >&2; exit 1';
  await withRestore(holdfast, `if [ ! -e ${once} ]; then touch ${once}; ${wrong}; fi; exec "${real}/pg_restore" "$@"`);
  const { status, stderr } = await holdfast.run('backup');
  expect(stderr).toContain('it is read once more');
  expect(status).toBe(0);
  expect(await holdfast.stored()).toHaveLength(1);
}, 120_000);

test('S2 a dump that pg_restore finds broken twice is no backup', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  await withRestore(holdfast, 'echo "pg_restore: error: could not uncompress data: (null)" >&2; exit 1');
  const { status, stderr } = await holdfast.run('backup');
  expect(status).toBe(6);
  expect(stderr).toMatch(/\(BACKUP_DAMAGED\)$/m);
  expect(await holdfast.stored()).toEqual([]);
}, 120_000);
