import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

const servers = [14, 15, 16, 17, 18] as const;
const clients = [15, 17, 18] as const;

describe.each(servers)('PostgreSQL %i', (version) => {
  let server: TestPostgres;
  let content: Record<string, string>;
  beforeAll(async () => {
    server = await startPostgres({ version });
    await server.createDatabase('shop');
    await fillShop(server, 'shop', { rows: 100 });
    content = await contentOf(server, 'shop');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  for (const client of clients) {
    const tools = clientTools(client);
    if (client >= version) {
      test.skipIf(tools === null)(`with client tools ${client}: backup, drill, restore by swap`, async () => {
        for (const format of ['custom', 'directory', 'tar', 'plain']) {
          await using holdfast = await installHoldfast({
            url: '',
            settings: { database: { url: server.url('shop'), tools }, dump: { format, fingerprints: true } },
          });
          const { id } = await holdfast.json<{ id: string }>('backup');
          expect(await holdfast.json('drill', id), format).toMatchObject({ ok: true });
          await server.sql('shop', 'delete from shop.item');
          expect(await contentOf(server, 'shop'), format).not.toEqual(content);
          await holdfast.json('restore', id, '--yes', '--no-safety-backup');
          expect(await contentOf(server, 'shop'), format).toEqual(content);
        }
      });
    } else {
      test.skipIf(tools === null)(
        `with client tools ${client}: refused, and the error says which version is needed`,
        async () => {
          await using holdfast = await installHoldfast({
            url: '',
            settings: { database: { url: server.url('shop'), tools } },
          });
          const { status, stderr } = await holdfast.run('backup');
          expect(status).toBe(1);
          expect(stderr).toMatch(/TOOL_TOO_OLD/);
          expect(stderr).toContain(String(version));
          expect(await holdfast.stored()).toEqual([]);
          expect(await server.databases()).toEqual(['postgres', 'shop']);
        },
      );
    }
  }
});
