import { expect, test } from 'vitest';
import { chooseShape, contradictionsOf, shapesIn, type Shape } from './find-app.ts';

const plain: Shape = { schema: '', tablePrefix: '', underscored: false };
const all: Shape = { schema: 'tenant1', tablePrefix: 'nb_', underscored: true };
const nothing = { schema: null, tablePrefix: null, underscored: null };
const environment = (values: Record<string, string>) => ({
  file: '/app/.env',
  values: new Map(Object.entries(values)),
});
const database = { name: 'nb', engine: 'postgres' };

function tables(...names: string[]) {
  return names.map((name) => {
    const [schema = '', table = ''] = name.includes('.') ? name.split('.') : ['', name];
    return { schema, name: table };
  });
}

test.each<[string, string[], Shape[]]>([
  ['the usual one', ['applicationVersion', 'applicationPlugins', 'users'], [plain]],
  ['all three at once', ['tenant1.nb_application_version', 'tenant1.nb_application_plugins'], [all]],
  ['small letters, as MySQL may write them', ['applicationversion', 'applicationplugins'], [plain]],
  [
    'a prefix that ends without a line',
    ['xapplicationVersion', 'xapplicationPlugins'],
    [{ ...plain, tablePrefix: 'x' }],
  ],
  ['a table of somebody else', ['applicationVersion', 'users'], []],
  ['plugins in another schema', ['applicationVersion', 'other.applicationPlugins'], []],
  [
    'two of them',
    ['applicationVersion', 'applicationPlugins', 'tenant1.nb_application_version', 'tenant1.nb_application_plugins'],
    [plain, all],
  ],
])('B-09: found in the database: %s', (_name, names, expected) => {
  expect(shapesIn(tables(...names))).toEqual(expected);
});

test.each<[string, Shape[], Partial<Shape>, Record<string, string>, Shape | string]>([
  ['one', [all], {}, {}, all],
  ['none', [], {}, {}, 'NOCOBASE_NOT_FOUND'],
  ['two, and nobody says', [plain, all], {}, {}, 'NOCOBASE_AMBIGUOUS'],
  ['two, and the application says', [plain, all], {}, { DB_HOST: 'db' }, plain],
  ['two, and the configuration says', [plain, all], { schema: 'tenant1' }, { DB_HOST: 'db' }, all],
  ['public means none', [plain, all], { schema: 'public' }, {}, plain],
  ['the configuration says what is not there', [plain], { tablePrefix: 'nb_' }, {}, 'NOCOBASE_CONTRADICTION'],
  ['the application says what is not there: the database counts', [all], {}, { DB_HOST: 'db' }, all],
])('which one: %s', (_name, shapes, settings, values, expected) => {
  const choose = () => chooseShape(shapes, { ...nothing, ...settings }, environment(values), database);
  if (typeof expected === 'string') expect(choose).toThrow(expect.objectContaining({ code: expected, kind: 'usage' }));
  else expect(choose()).toEqual(expected);
});

test.each<[string, Shape, Record<string, string>, string[]]>([
  [
    'all as it says',
    all,
    { DB_DIALECT: 'postgres', DB_SCHEMA: 'tenant1', DB_TABLE_PREFIX: 'nb_', DB_UNDERSCORED: 'true' },
    [],
  ],
  ['only the text true counts', plain, { DB_DIALECT: 'postgres', DB_UNDERSCORED: '1' }, []],
  ['another dialect', plain, { DB_DIALECT: 'mysql' }, ['DB_DIALECT']],
  ['another database', plain, { DB_DIALECT: 'postgres', DB_DATABASE: 'other' }, ['DB_DATABASE']],
  ['nothing of it', all, { DB_DIALECT: 'postgres' }, ['DB_UNDERSCORED', 'DB_TABLE_PREFIX', 'DB_SCHEMA']],
  ['settings from outside say nothing', all, { APP_KEY: 'x' }, []],
])('contradictions are told: %s', (_name, shape, values, expected) => {
  expect(contradictionsOf(database, shape, environment(values)).map((text) => text.split(' ')[0])).toEqual(expected);
});

test('B-09: another file of SQLite is told, whatever its folder is called inside of a container', () => {
  const file = { name: 'nocobase.sqlite', engine: 'sqlite' };
  const told = (written: string) =>
    contradictionsOf(file, plain, environment({ DB_DIALECT: 'sqlite', DB_STORAGE: written }));
  expect(told('/app/nocobase/storage/db/nocobase.sqlite')).toEqual([]);
  expect(told('storage/db/live.sqlite')).toEqual([
    expect.stringMatching(/^DB_STORAGE .* says live\.sqlite, and the database of this source is nocobase\.sqlite$/),
  ]);
});
