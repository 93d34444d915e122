import { expect, test } from 'vitest';
import {
  bodyOf,
  fitted,
  targetsOf,
  isComplete,
  liftOf,
  newWish,
  offersOf,
  partsIn,
  partValue,
  readPart,
  withBackup,
} from './wish.ts';

const wish = newWish('shop', 'latest');

test('the live database is replaced by swap, with a safety backup, unless something else is said', () => {
  expect(bodyOf(wish)).toMatchObject({ into: null, inPlace: false, tables: [], schemas: [], safetyBackup: true });
});

test('what belongs to another target is not sent along', () => {
  const other = { ...wish, target: 'other', into: ' copy ', keepOld: true, parts: [partValue('a', 'b')] } as const;
  expect(bodyOf(other)).toMatchObject({ into: 'copy', keepOld: false, safetyBackup: false, tables: [], schemas: [] });
  expect(bodyOf({ ...other, target: 'live' })).toMatchObject({ into: null, keepOld: true, safetyBackup: true });
  expect(bodyOf({ ...other, target: 'in-place' })).toMatchObject({ into: null, inPlace: true, keepOld: false });
});

test('S18: schemas and tables keep their names, whatever is in them', () => {
  const parts = [partValue('we"ird.', 'a.b'), partValue('all', null)];
  expect(bodyOf({ ...wish, target: 'parts', parts })).toMatchObject({
    inPlace: false,
    tables: [{ schema: 'we"ird.', name: 'a.b' }],
    schemas: ['all'],
  });
  expect(readPart(partValue('s', ''))).toEqual({ schema: 's', name: '' });
});

test.each([
  [wish, true],
  [{ ...wish, id: '' }, false],
  [{ ...wish, target: 'other' as const }, false],
  [{ ...wish, target: 'other' as const, into: 'x' }, true],
  [{ ...wish, target: 'parts' as const }, false],
  [{ ...wish, target: 'parts' as const, parts: [partValue('a', null)] }, true],
])('nothing is looked at before enough is said: %o is %s', (given, complete) => {
  expect(isComplete(given)).toBe(complete);
});

test.each([
  ['--in-place', { target: 'in-place' }],
  ['--no-owner', { owners: 'none' }],
  ['--if-connected disconnect', { sessions: 'disconnect' }],
  ['--allow server-version', { allow: ['encoding', 'server-version'] }],
  ['--allow encoding', { allow: ['encoding'] }],
])('%s is a button', (override, change) => {
  const before = { ...wish, sessions: 'refuse', allow: ['encoding'] } as const;
  expect(liftOf(override)?.change(before)).toEqual({ ...before, ...change });
});

test('what cannot be lifted has no button', () => {
  expect(liftOf(null)).toBeNull();
  expect(liftOf('call the administrator')).toBeNull();
});

test('a manifest shows what can be restored by itself', () => {
  const tables = [
    { schema: 'b', name: 'z', rows: null },
    { schema: 'a', name: 'y', rows: 2 },
    { schema: 'b', name: 'x', rows: 1 },
  ];
  expect(partsIn({ database: { tables } })).toEqual([
    { schema: 'a', tables: [{ name: 'y', rows: 2 }] },
    {
      schema: 'b',
      tables: [
        { name: 'x', rows: 1 },
        { name: 'z', rows: null },
      ],
    },
  ]);
  expect(partsIn(null)).toEqual([]);
  expect(partsIn({ database: null })).toEqual([]);
});

const database = { name: 'shop', engine: 'postgres' };
const trees = [{ name: 'uploads', path: '/srv', files: 1, bytes: 2 }];
const app = { kind: 'nocodb', version: null, address: null, bases: [{ title: 'Shop', tables: [] }] };

test.each([
  [{ database, trees: [], app: null }, ['all']],
  [{ database, trees, app: null }, ['all', 'database', 'files']],
  [{ database: null, trees, app: null }, ['files']],
  [{ database: null, trees: [], app }, ['schema', 'records', 'attachments']],
  [{ database, trees: [], app: { ...app, bases: [] } }, ['all']],
  [{ database: null, trees: [], app: null }, ['all']],
])('only what is in the backup is offered: %o', (saved, offers) => {
  expect(offersOf(saved)).toEqual(offers);
  expect(offers).toContain(fitted(wish, saved, true).what);
});

test('folders are wished for without what concerns databases only', () => {
  const folders = { ...wish, what: 'files', trees: ['uploads'], target: 'other', into: 'x', keepOld: true } as const;
  expect(isComplete(folders)).toBe(true);
  expect(bodyOf(folders)).toEqual({
    source: 'shop',
    id: 'latest',
    what: 'files',
    trees: ['uploads'],
    keepOld: true,
    safetyBackup: true,
  });
  expect(withBackup(folders, 'other')).toMatchObject({ id: 'other', what: 'files', trees: [] });
});

test('bases are wished for with what fits the kind of restore', () => {
  const records = {
    ...wish,
    what: 'records',
    bases: ['Shop'],
    baseTables: ['Orders'],
    intoBase: ' Shop 2 ',
    skipExisting: true,
    withAttachments: true,
  } as const;
  const common = { source: 'shop', id: 'latest', bases: ['Shop'], baseTables: ['Orders'] };
  const full = { ...common, intoBase: 'Shop 2', skipExisting: true, withAttachments: true };
  expect(bodyOf(records)).toEqual({ ...full, what: 'records' });
  expect(bodyOf({ ...records, what: 'schema' })).toEqual({ ...full, what: 'schema', withAttachments: false });
  expect(bodyOf({ ...records, what: 'attachments' })).toEqual({
    ...common,
    what: 'attachments',
    intoBase: null,
    skipExisting: false,
    withAttachments: false,
  });
});

test('a database that is only restored as a whole is offered neither in place nor in parts', () => {
  const saved = { database, trees: [], app: null };
  expect(targetsOf(true)).toEqual(['live', 'other', 'in-place', 'parts']);
  expect(targetsOf(false)).toEqual(['live', 'other']);
  for (const target of ['in-place', 'parts'] as const) {
    expect(fitted({ ...wish, target }, saved, false).target).toBe('live');
    expect(fitted({ ...wish, target }, saved, true).target).toBe(target);
  }
});
