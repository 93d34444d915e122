import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

/** docs/json.md names the fields of every command; scripts are written after it, so it is compared with what is printed. */
const page = readFileSync(join(import.meta.dirname, '../../docs/json.md'), 'utf8');
const backupFormat = readFileSync(join(import.meta.dirname, '../../docs/backup-format.md'), 'utf8');

let server: TestPostgres;
let holdfast: Installation;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 100 });
  holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { drill: { checks: ['select true'] } },
  });
  for (const words of [['backup'], ['backup'], ['drill']]) await holdfast.json(...words);
});
afterAll(async () => {
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const cases: [documented: string, words: string[]][] = [
  ['backup', ['backup']],
  ['list', ['list']],
  ['show', ['show', 'latest']],
  ['inspect', ['inspect']],
  ['verify', ['verify']],
  ['drill', ['drill']],
  ['restore --dry-run', ['restore', 'latest', '--dry-run']],
  ['restore', ['restore', 'latest', '--yes', '--keep-old']],
  ['restore --undo', ['restore', '--undo', '--yes']],
  ['prune', ['prune', '--dry-run']],
  ['hold', ['hold', 'latest', '--reason', 'test']],
  ['release', ['release', 'latest']],
  ['status', ['status']],
  ['runs', ['runs']],
  ['logs', ['logs']],
  ['rebuild', ['rebuild']],
  ['doctor', ['doctor']],
  ['config show', ['config', 'show']],
  ['wait-for-database', ['wait-for-database']],
  ['collation check', ['collation', 'check']],
  ['collation fix', ['collation', 'fix', '--everything', '--yes']],
  ['storage list', ['storage', 'list']],
  ['storage check', ['storage', 'check']],
  ['storage create', ['storage', 'create']],
];

test.each(cases)('%s --json has the documented fields, no more and no fewer', async (documented, words) => {
  expect(differences(fieldsOf(documented), await holdfast.json(...words))).toEqual([]);
});

test('several at once give a list of the same', async () => {
  expect(differences(fieldsOf('verify'), await holdfast.json('verify', '--all'))).toEqual([]);
  const { id } = await holdfast.json<{ id: string }>('backup');
  expect(differences(fieldsOf('delete'), await holdfast.json('delete', id, '--yes'))).toEqual([]);
});

test('config validate tells sources, or problems', async () => {
  const told = fieldsOf('config validate');
  expect(differences(told, await holdfast.json('config', 'validate'))).toEqual([]);
  const file = join(holdfast.folder, 'wrong.yaml');
  await writeFile(file, 'sources: { shop: { databse: {} } }\n');
  const { stdout, status } = await holdfast.run('config', 'validate', '--config', file, '--json');
  expect(status).toBe(2);
  expect(differences(told, JSON.parse(stdout))).toEqual(['preset is missing', 'sources is missing']);
});

test('every field of a manifest is explained in docs/backup-format.md', async () => {
  const { manifest } = await holdfast.json<{ manifest: Record<string, object> }>('show', 'latest');
  const artifacts = manifest['artifacts'] as unknown as object[];
  const names = [manifest, manifest['database'], ...artifacts].flatMap((each) => Object.keys(each ?? {}));
  expect([...new Set(names)].filter((name) => !backupFormat.includes(`\`${name}\``))).toEqual([]);
});

/** What the page tells of a value: its fields, and theirs where it tells them. */
interface Fields {
  [name: string]: Fields | Fields[] | null;
}

function fieldsOf(command: string): Fields | Fields[] {
  const row = page.split('\n').find((line) => line.startsWith('| `') && line.split('|')[1]?.includes(`\`${command}\``));
  const shape = /\| `(\[?\{.*\}\]?)`/.exec(row ?? '')?.[1];
  if (shape === undefined) throw new Error(`docs/json.md does not tell the shape of ${command}`);
  // `{a, b: [{c}]}` becomes JSON: { "a": null, "b": [{ "c": null }] }
  return JSON.parse(shape.replaceAll(/(\w+)(:?)/g, (_all, name, colon) => `"${name}"${colon || ':null'}`)) as Fields;
}

/** Only as deep as the page goes. Of a list the first element speaks for all; an empty one says nothing. */
function differences(told: Fields | Fields[] | null | undefined, found: unknown, at = ''): string[] {
  if (Array.isArray(found)) return found.length === 0 ? [] : differences(told, found[0], at);
  const fields = Array.isArray(told) ? told[0] : told;
  if (!fields) return [];
  if (typeof found !== 'object' || found === null) return [`${at} is no object`];
  const inside = new Map(Object.entries(found));
  return [
    ...Object.entries(fields).flatMap(([name, inner]) =>
      inside.has(name) ? differences(inner, inside.get(name), `${at}${name}.`) : [`${at}${name} is missing`],
    ),
    ...[...inside.keys()].filter((name) => !(name in fields)).map((name) => `${at}${name} is not documented`),
  ];
}
