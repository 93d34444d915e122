import { cp, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { hasMysql, product, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { rowsOf } from '../support/sqlite.ts';

/** What versions before this one wrote: test/golden/README.md tells which. */
const golden = join(import.meta.dirname, '../golden');

interface Listed {
  id: string;
  source: string;
  held: boolean;
}

let server: TestPostgres;
let maria: TestMysql | null;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql('postgres', 'create role shop');
  maria = hasMysql() && product === 'mariadb' ? await startMysql() : null;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await maria?.[Symbol.asyncDispose]();
});

/** The storage as it was found, on a machine that knows nothing of it. */
async function found(folder: string, sources: (place: string) => object, top: object = {}): Promise<Installation> {
  const holdfast = await installHoldfast({ url: server.url('shop') });
  await cp(join(golden, folder), holdfast.storage, { recursive: true });
  await holdfast.configure({
    state: './state',
    sources: sources(holdfast.folder),
    storages: { local: { type: 'local', path: './backups' } },
    ...top,
  });
  return holdfast;
}

const oneOf = (format: string) => ({ database: { url: server.url('shop') }, dump: { format } });

describe('of the first day', () => {
  let holdfast: Installation;
  const formats = ['custom', 'directory', 'tar', 'plain'];
  beforeAll(async () => {
    holdfast = await found('first', () => Object.fromEntries(formats.map((format) => [format, oneOf(format)])));
  });
  afterAll(() => holdfast[Symbol.asyncDispose]());

  test('are listed, with their holds and drills', async () => {
    expect(await holdfast.json('rebuild')).toMatchObject({ backups: 4, corrupt: 0, unreadable: 0, drills: 1 });
    const backups = await holdfast.json<Listed[]>('list');
    expect(backups.map(({ source }) => source).toSorted()).toEqual(formats.toSorted());
    expect(backups.find(({ source }) => source === 'tar')?.held).toBe(true);
  });

  test.each(formats)('%s: verified, drilled, compared in full, and restored', async (format) => {
    const verified = await holdfast.json('verify', '--source', format, 'latest', '--depth', 'structure');
    expect(verified).toMatchObject({ ok: true });
    const drilled = await holdfast.json('drill', '--source', format, 'latest');
    expect(drilled).toMatchObject({ ok: true });
    const into = `again_${format}`;
    await holdfast.json('restore', '--source', format, 'latest', '--into', into);
    expect(await server.sql(into, 'select count(*)::int as n, sum(total)::text as total from orders')).toEqual([
      { n: 120, total: '8203.80' },
    ]);
    expect(await server.sql(into, 'select "a b" from "we""ird\nname" order by 1')).toEqual([
      { 'a b': '\\' },
      { 'a b': '\\.' },
      { 'a b': 'a\nb' },
      { 'a b': null },
    ]);
    expect(await server.sql(into, 'select count(*)::int as n from top')).toEqual([{ n: 40 }]);
    expect(await server.sql(into, `select length(lo_get(oid))::int as n from pg_largeobject_metadata`)).toEqual([
      { n: 1000 },
    ]);
  });
});

describe('encrypted and shared', () => {
  let holdfast: Installation;
  beforeAll(async () => {
    holdfast = await found(
      'encrypted',
      (place) => ({
        shop: { ...oneOf('directory'), files: [{ path: join(place, 'uploads') }] },
        stream: oneOf('custom'),
        app: { database: { engine: 'sqlite', path: join(place, 'app.sqlite') } },
        ...(maria === null
          ? {}
          : {
              maria: { database: { url: maria.url('shop') } },
              'maria-parts': { database: { url: maria.url('shop') }, encryption: false },
            }),
      }),
      { encryption: { passphrase: 'correct horse battery' } },
    );
  });
  afterAll(() => holdfast[Symbol.asyncDispose]());

  /** What MariaDB's digests were then is not what they are now; those of PostgreSQL have not changed. */
  const contents: Record<string, object> = {
    shop: { compared: 3, fingerprints: 3, contentUnknown: 0 },
    maria: { compared: 2, fingerprints: 0, contentUnknown: 2 },
  };

  test('every one is read to its end, with the key before the rotated one too', async () => {
    const backups = await holdfast.json<Listed[]>('list');
    expect(backups).toHaveLength(maria === null ? 5 : 7);
    for (const { id, source } of backups) {
      const verified = await holdfast.json('verify', '--source', source, id, '--depth', 'structure');
      expect(verified, `${source} ${id}`).toMatchObject({ ok: true });
      const drilled = await holdfast.json('drill', '--source', source, id);
      expect(drilled, `${source} ${id}`).toMatchObject({ ok: true, tables: contents[source] ?? {} });
    }
  });

  test('a folder comes back from objects that two backups share', async () => {
    const backups = await holdfast.json<Listed[]>('list', '--source', 'shop');
    for (const [at, { id }] of backups.toReversed().entries()) {
      const to = join(holdfast.folder, `laid-${at}`);
      await holdfast.json('restore', 'files', '--source', 'shop', id, '--to', to);
      const inside = join(to, 'uploads');
      expect(await readFile(join(inside, 'a.txt'), 'utf8')).toBe(['hello\n', 'changed\n'][at]);
      expect((await stat(join(inside, 'hard'))).ino).toBe((await stat(join(inside, 'a.txt'))).ino);
      expect((await stat(join(inside, 'sub/numbers.txt'))).size).toBe(5_000_000);
      expect(await readlink(join(inside, 'link'))).toBe('a.txt');
      expect(await readFile(join(inside, 'Grüße ✓.txt'), 'utf8')).toBe('x\n');
    }
  });

  test('SQLite comes back', async () => {
    await holdfast.json('restore', '--source', 'app', 'latest', '--yes');
    expect(rowsOf(join(holdfast.folder, 'app.sqlite'), 'select count(*) as n, max(v) as v from t')).toEqual([
      { n: 30, v: 'x9' },
    ]);
  });

  test.runIf(hasMysql() && product === 'mariadb').each(['maria', 'maria-parts'])('%s comes back', async (source) => {
    const into = source.replace('-', '_');
    await holdfast.json('restore', '--source', source, 'latest', '--into', into);
    const rows = await maria?.sql(
      into,
      "select count(*) n, max(note) note, hex(max(bin)) bin from customers where name like 'Kunde%'",
    );
    expect(rows).toEqual([{ n: 40, note: "a\\b'c\n", bin: '00FF5C' }]);
    expect(await maria?.sql(into, 'select n from v')).toEqual([{ n: 90 }]);
    expect(await maria?.sql(into, 'select nextval(s) as n')).toEqual([{ n: 7 }]);
  });
});
