import { expect, test } from 'vitest';
import { attachmentsIn, found, withoutSigned } from './attachment-cells.ts';

const at = { record: 1, column: 'c', position: 0 };

test.each([
  [{ path: 'download/a', signedPath: 'dltemp/x/a' }, 'dltemp/x/a'],
  [{ path: 'download/a' }, 'download/a'],
  [{ url: 'https://s3/a', signedUrl: 'https://s3/a?signature' }, 'https://s3/a?signature'],
  // Nobody signed it: somebody typed it.
  [{ url: 'https://elsewhere/a', signedUrl: 'https://elsewhere/a' }, null],
  [{ url: 'https://elsewhere/a' }, null],
  [{}, null],
])('N-d13: %j is fetched from %j', (entry, source) => {
  expect(found(entry, at).source).toBe(source);
});

test('a cell may be a list, the text of one, or anything else', () => {
  expect(attachmentsIn([{ id: 'a' }, null, 'x'])).toEqual([{ id: 'a' }]);
  expect(attachmentsIn('[{"id":"a"}]')).toEqual([{ id: 'a' }]);
  for (const nothing of [null, undefined, '', 'text', 5, {}]) expect(attachmentsIn(nothing)).toEqual([]);
});

test('S23: signatures are taken out, of files only', () => {
  const record = {
    Files: [{ id: 'a', signedPath: 'x', signedUrl: 'y', thumbnails: {}, title: 't' }],
    Text: 'signedPath',
  };
  expect(withoutSigned(record, ['Files'])).toEqual({ Files: [{ id: 'a', title: 't' }], Text: 'signedPath' });
});
