import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { installedNocodb, notInstalled, startNocodb } from './own-server.ts';
import { differences, likeness } from './restore-likeness.ts';
import { richBase } from './restore-rich-base.ts';

const installed = installedNocodb();

interface Report {
  created: number;
  skipped: number;
  lost: unknown[];
}

test.skipIf(installed === null)(`there is a NocoDB to start (otherwise: ${notInstalled})`, () => {
  expect(installed).not.toBeNull();
});

test.skipIf(installed === null).each(['SQLite', 'PostgreSQL'] as const)(
  'N-43: the dump restored into an empty NocoDB on %s without its files, then `restore attachments`: all is as it was',
  async (engine) => {
    if (installed === null) return;
    await using doors = new AsyncDisposableStack();
    const scratch = doors.use(await temporaryFolder()).path;
    const postgres = engine === 'PostgreSQL' ? doors.use(await startPostgres()) : null;
    const place = async (name: string) => {
      const data = join(scratch, name);
      await mkdir(data);
      await postgres?.createDatabase(name);
      const { host, port, user, password } = postgres ?? {};
      return {
        data,
        database:
          postgres === null ? null : `pg://${host}:${port}?u=${user}&p=${encodeURIComponent(password ?? '')}&d=${name}`,
        settings: postgres === null ? { engine: 'sqlite', path: join(data, 'noco.db') } : { url: postgres.url(name) },
      };
    };
    const [old, fresh] = [await place('old'), await place('fresh')];
    await using holdfast = await installHoldfast({ url: '' });
    const configure = (database: object, app: { url: string; token: string }) =>
      holdfast.configure({
        state: './state',
        sources: { nocodb: { database, app: { kind: 'nocodb', ...app } } },
        storages: { local: { type: 'local', path: './backups' } },
      });

    const before = await (async () => {
      await using server = await startNocodb(installed, old);
      const base = await richBase(server, {
        title: 'Shop',
        records: 60,
        files: 20,
        postgres: postgres !== null,
      });
      await configure(old.settings, { url: server.url, token: server.token });
      await holdfast.json('backup');
      return { base, token: server.token, facts: await likeness(server, base) };
    })();

    // An empty NocoDB, as it is after its first start.
    await (await startNocodb(installed, fresh))[Symbol.asyncDispose]();
    await configure(fresh.settings, { url: 'http://127.0.0.1:9', token: before.token });
    await holdfast.json('restore', 'latest', '--yes', '--no-safety-backup');

    await using server = await startNocodb(installed, { ...fresh, token: before.token });
    const without = differences(before.facts, await likeness(server, before.base));
    expect(without.filter((line) => !/^value .*\/Files: .*,404,/.test(line))).toEqual([]);
    expect(without).toHaveLength(20);
    await configure(fresh.settings, { url: server.url, token: server.token });
    expect(await holdfast.json<Report>('restore', 'attachments', 'latest', '--yes')).toMatchObject({
      created: 20,
      lost: [],
    });
    expect(differences(before.facts, await likeness(server, before.base))).toEqual([]);
    expect(await holdfast.json<Report>('restore', 'attachments', 'latest', '--yes')).toMatchObject({
      created: 0,
      skipped: 20,
      lost: [],
    });
  },
);
