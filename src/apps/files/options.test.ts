import { expect, test } from 'vitest';
import { filesSchema } from './options.ts';

test.each([
  ['/srv/app/uploads', 'uploads'],
  ['/srv/My Uploads/', 'my-uploads'],
  ['/srv/Größe & Maß', 'gro-e-ma'],
  ['/data/.hidden', 'hidden'],
  ['/data/日本', 'files'],
  ['/', 'files'],
  ['./storage', 'storage'],
])('the tree of %s is called %s when nobody says otherwise', (path, name) => {
  expect(filesSchema.parse([{ path }])).toEqual([{ name, path, exclude: [], optional: false }]);
});

test('two trees of one name are refused, and told which', () => {
  const parsed = filesSchema.safeParse([{ path: '/a/data' }, { path: '/b/data' }]);
  expect(parsed.error?.issues).toMatchObject([
    { path: [1, 'name'], message: expect.stringContaining('data') as string },
  ]);
});

test.each(['../up', 'Up', 'a/b', '', '.x', 'a b', `a${'b'.repeat(63)}`])('S24: %j is no name of a tree', (name) => {
  expect(filesSchema.safeParse([{ name, path: '/x' }]).success).toBe(false);
});

test('a pattern that leads out of the tree is refused', () => {
  expect(filesSchema.safeParse([{ path: '/x', exclude: ['../y'] }]).success).toBe(false);
});
