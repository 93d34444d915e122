import { expect, test } from 'vitest';
import { describeDropped, withSupported } from './supported.ts';

test('what there is no setting for is left out, and can be told; everything else stays', () => {
  const known = {
    instance: 'desk',
    sources: { it: { files: [{ path: '/srv' }], app: { kind: 'nocobase', path: '.' } } },
  };
  expect(withSupported(known)).toEqual({ tree: known, dropped: [] });
  const { tree, dropped } = withSupported({
    ...known,
    frobnicate: true,
    sources: {
      it: { ...known.sources.it, mirror: { to: 'x' }, app: { kind: 'nocobase', path: '.', token: 'only of nocodb' } },
    },
  });
  expect(tree).toEqual(known);
  expect(dropped.map((path) => describeDropped(path)).toSorted()).toEqual([
    'this version has no app.token, and does nothing about it',
    'this version has no frobnicate, and does nothing about it',
    'this version has no mirror, and does nothing about it',
  ]);
});

test.each([
  [{ engine: 'sqlite', path: '/srv/app.db' }, []],
  [{ engine: 'mysql', host: 'db', name: 'shop' }, []],
  [{ host: 'db', name: 'shop', tools: { pgDump: '/opt/pg_dump' } }, []],
  [
    { engine: 'sqlite', path: '/srv/app.db', host: 'db' },
    ['this version has no database.host, and does nothing about it'],
  ],
])('the keys of a database are those of its engine: %j', (database, told) => {
  expect(withSupported({ sources: { it: { database } } }).dropped.map((path) => describeDropped(path))).toEqual(told);
});
