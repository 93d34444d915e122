import { describe, expect, test } from 'vitest';
import { checkNotes, isOwnManifest, readNotes } from './metadata.ts';

const sha256 = 'a'.repeat(64);

describe('notes', () => {
  test('O-04: the size, the description and the time of Ops-Center', () => {
    const text = JSON.stringify({
      filename: 'x',
      created_at: '2026-01-29T14:30:22.123456',
      size_bytes: 12,
      description: ' before 2.0 ',
    });
    expect(readNotes('ops-center', text)).toEqual({
      bytes: 12,
      sha256: null,
      description: 'before 2.0',
      stamp: { wall: '2026-01-29T14:30:22', zone: 'local' },
    });
  });

  test.each([
    [`timestamp=20260115T020000Z\nfile_size=12M\nsha256=${sha256}\n\n# rows\npublic.users=5\n`, sha256],
    ['timestamp=20260115T020000Z\nsha256=n/a\n', null],
    [`timestamp=20260115T020000Z\r\nsha256=${sha256.toUpperCase()}\r\n`, sha256],
  ])('T-05: the checksum and the time of TMA Cloud (%j)', (text, expected) => {
    expect(readNotes('tma-cloud', text)).toEqual({
      bytes: null,
      sha256: expected,
      description: null,
      stamp: { wall: '2026-01-15T02:00:00', zone: 'utc' },
    });
  });

  test.each(['', 'hello', 'sha256=short', '[]'])('%j is no note', (text) => {
    expect(readNotes('tma-cloud', text)).toBeNull();
    expect(readNotes('ops-center', text)).toBeNull();
  });
});

test.each([
  [{ bytes: 12, sha256: null }, false],
  [{ bytes: 10, sha256 }, false],
  [{ bytes: null, sha256: null }, false],
  [{ bytes: 11, sha256: null }, true],
  [{ bytes: 12, sha256: 'b'.repeat(64) }, true],
])('T-11: %j against 12 bytes: refused %s', (notes, refused) => {
  const actual = { bytes: notes.bytes === 10 ? 10 : 12, sha256 };
  const check = () => checkNotes('x', { ...notes, description: null, stamp: null }, actual);
  if (refused) expect(check).toThrow(expect.objectContaining({ code: 'FOREIGN_MISMATCH', kind: 'integrity' }));
  else expect(check).not.toThrow();
});

test('a manifest of ours is told from that of the NocoDB export', () => {
  expect(isOwnManifest('{"format":1,"digest":"x"}')).toBe(true);
  expect(isOwnManifest('{"version":"1.0","bases":[]}')).toBe(false);
  expect(isOwnManifest('{')).toBe(false);
});
