import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
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
