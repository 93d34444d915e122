import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placeIn, placesDe } from './places.ts';

const german = (title: string) => {
  const place = placeIn(title);
  if (place === null) return title;
  return placesDe[place.key].replaceAll(/\{\{(\w+)\}\}/g, (_all, name: string) => place.values[name] ?? '?');
};

test.each([
  ['shop on db.example:5432 as backup', 'shop auf db.example:5432 als backup'],
  ['turn on the light on [::1]:3306 as me', 'turn on the light auf [::1]:3306 als me'],
  ['the folder /srv/on a as b', 'der Ordner /srv/on a as b'],
  ['3 folders', '3 Ordner'],
  ['NocoDB at https://tables.example', 'NocoDB unter https://tables.example'],
  ['NocoBase in /srv/app', 'NocoBase in /srv/app'],
  ['the database of shop, which is not configured here', 'die Datenbank von shop, die hier nicht eingerichtet ist'],
  ['/srv/data/shop.sqlite', '/srv/data/shop.sqlite'],
])('%s: %s', (title, expected) => expect(german(title)).toBe(expected));

test.each([
  ['engines/postgres/postgres.ts', 'title: `${address.database} on ${server(address)} as ${address.user}`'],
  ['engines/mysql/mysql.ts', 'title: `${address.database} on ${server(address)} as ${address.user}`'],
  [
    'apps/files/files.ts',
    "title: trees.length === 1 ? `the folder ${trees[0]?.path ?? ''}` : `${trees.length} folders`",
  ],
  ['apps/nocodb/nocodb.ts', 'title: `NocoDB at ${settings.url}`'],
  ['apps/nocobase/nocobase.ts', 'title: `NocoBase in ${settings.path}`'],
  ['care/stock/unconfigured.ts', 'title: `the database of ${source}, which is not configured here`'],
])('as the server says it: %s', (file, line) => {
  expect(readFileSync(join(import.meta.dirname, '../../../src', file), 'utf8')).toContain(line);
});
