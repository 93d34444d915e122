import { expect, test } from 'vitest';
import { savedIn } from './saved.ts';

test('a manifest tells its folders and its application', () => {
  const tree = { name: 'uploads', path: '/srv/uploads', files: 3, bytes: 40 };
  const table = { title: 'Orders', records: 12, attachments: { files: 2, bytes: 9 } };
  expect(
    savedIn({
      database: { name: 'shop', engine: 'sqlite' },
      files: { trees: [tree, { path: 'nameless' }] },
      app: { kind: 'nocodb', version: '0.301.2', url: 'http://noco', bases: [{ title: 'Shop', tables: [table] }] },
    }),
  ).toEqual({
    database: { name: 'shop', engine: 'sqlite' },
    trees: [tree],
    app: {
      kind: 'nocodb',
      version: '0.301.2',
      address: 'http://noco',
      bases: [{ title: 'Shop', tables: [{ title: 'Orders', records: 12, attachments: 2 }] }],
    },
  });
});

test('folders of an application are folders', () => {
  const files = { trees: [{ name: 'storage', files: 1 }] };
  expect(savedIn({ database: null, app: { kind: 'nocobase', files } })).toEqual({
    database: null,
    trees: [{ name: 'storage', path: null, files: 1, bytes: null }],
    app: { kind: 'nocobase', version: null, address: null, bases: [] },
  });
});

test.each([null, 'x', {}, { files: null, app: [], database: null }])('%o holds nothing that is known', (manifest) => {
  expect(savedIn(manifest)).toEqual({ database: null, trees: [], app: null });
});
