import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSnapshot } from '../../src/engines/postgres/dump/dump.ts';
import { entriesOf, openDatabase, storedDump, temporaryFolder } from '../support/databases.ts';
import { wholeLoad } from '../support/whole-load.ts';
import { consume, databasePart, openDumpLab, type DumpLab } from '../support/postgres-dump.ts';

let lab: DumpLab;
let folder: { path: string } & AsyncDisposable;
const { signal } = new AbortController();

beforeAll(async () => {
  lab = await openDumpLab();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Names that are other bytes in the database than in UTF-8, each of one length: read as UTF-8 they would look the same. */
const encodings = [
  ['LATIN1', 'mai_bäche', 'mai_büche', 'größe'],
  ['LATIN2', 'łąka', 'łęka', 'żółć'],
  ['WIN1251', 'север', 'запад', 'Счёт'],
  ['KOI8R', 'север', 'запад', 'Счёт'],
  ['EUC_JP', '東京', '大阪', '顧客'],
  ['EUC_KR', '서울', '부산', '고객'],
  ['EUC_CN', '北京', '上海', '客户'],
  ['SQL_ASCII', 'mai_bäche', 'mai_büche', 'größe'],
  ['UTF8', 'mai_bäche', '東京', 'Größe😀'],
] as const;

async function encoded(encoding: string, name: string, tables: string): Promise<string> {
  await lab.server.createDatabase(name, `template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`);
  await lab.server.sql(name, tables);
  return name;
}

test.each(encodings)(
  'S18 names in %s: left out by pattern, and restored part by part',
  async (encoding, a, b, gone) => {
    const database = await encoded(
      encoding,
      `in_${encoding.toLowerCase()}`,
      `create table sales (region text, v int) partition by list (region);
     create table "${a}" partition of sales for values in ('a');
     create table "${b}" partition of sales for values in ('b');
     insert into sales values ('a', 1), ('a', 2), ('b', 3), ('b', 4), ('b', 5);
     create table "${gone}" (x int); insert into "${gone}" values (7);
     create table "${gone} (2)" (x int); insert into "${gone} (2)" values (8)`,
    );
    const exclude = { tables: [`"${gone}"`], tableData: [`"${gone} (2)"`] };
    const dump = storedDump(join(folder.path, database), 'custom');
    {
      const access = lab.access(database, { format: 'custom', exclude });
      await using snapshot = await openSnapshot(access, { folders: false }, signal);
      expect(snapshot.warnings).toEqual([]);
      await writeFile(join(folder.path, database), await consume(await databasePart(snapshot)));
    }
    const entries = await entriesOf(dump);
    const named = (kind: string) => entries.filter((each) => each.kind === kind).map((each) => each.name);
    expect(named('TABLE').toSorted()).toEqual([a, b, `${gone} (2)`, 'sales'].toSorted());
    expect(named('TABLE DATA').toSorted()).toEqual([a, b].toSorted());

    const live = openDatabase(lab.server, database, { scratch: join(folder.path, 'scratch') });
    await lab.server.sql(database, 'delete from sales');
    const options = { ...wholeLoad, scope: { tables: [{ schema: 'public', name: 'sales' }], schemas: [] } };
    await live.replace(dump, options, { tables: [], sequences: [] }, signal);
    const back = await lab.server.sql(
      database,
      'select region, count(*)::int as rows from sales group by 1 order by 1',
    );
    expect(back).toEqual([
      { region: 'a', rows: 2 },
      { region: 'b', rows: 3 },
    ]);
  },
);

test('S18 a role that reads in another encoding dumps what the database holds', async () => {
  const { server } = lab;
  await server.sql('postgres', `create role western superuser login password 'western'`);
  await server.sql('postgres', `alter role western set client_encoding = 'LATIN1'`);
  const database = await lab.databaseWith('not_western', `create table "東京" as select '大阪' as city`);
  const url = server.url(database, { user: 'western', password: 'western' });
  const access = lab.access(database, { format: 'custom' }, { database: { url } });
  await using snapshot = await openSnapshot(access, { folders: false }, signal);
  expect(await lab.script(await consume(await databasePart(snapshot)))).toContain('大阪');
});

test('S18 names that are no text in SQL_ASCII are told before anything is dumped', async () => {
  const database = await encoded('SQL_ASCII', 'unreadable', '');
  await lab.server.sql(database, `do $$ begin execute 'create table "gr' || chr(246) || '_e" (id int)'; end $$`);
  const rename = `DO $$ BEGIN EXECUTE format('ALTER TABLE %I.%I RENAME TO new_name', E'public', E'gr\\xf6_e'); END $$`;
  await expect(openSnapshot(lab.access(database), { folders: false }, signal)).rejects.toMatchObject({
    code: 'DATABASE_NAME_UNREADABLE',
    message: expect.stringContaining('public.gr\\xf6_e'),
    hint: expect.stringContaining(rename.replace('gr\\xf6_e', 'gr\\xf6n')),
  });
  await lab.server.sql(database, rename);
  await using snapshot = await openSnapshot(lab.access(database), { folders: false }, signal);
  expect(snapshot.facts.encoding).toBe('SQL_ASCII');
});
