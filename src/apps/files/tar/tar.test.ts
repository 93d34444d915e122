import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Member } from './member.ts';
import { safePath } from './safe-path.ts';
import { block, mostHead, pad, padded, sparseMap, writeHead } from './head.ts';
import { TarReader, type TarSink } from './reader.ts';
import { TreeCheck } from './tree-check.ts';
import { TreeDigest } from './tree-digest.ts';

interface Seen {
  member: Member;
  content: Buffer;
}

function plain(changes: Partial<Member> = {}): Member {
  const usual = {
    kind: 'file',
    path: 'a',
    mode: 0o644,
    uid: 1,
    gid: 2,
    size: 0,
    modified: 0n,
    target: '',
    regions: null,
  } as const;
  return { ...usual, ...changes };
}

function tarOf(...entries: { member: Member; content?: Buffer }[]): Buffer {
  const pieces = entries.flatMap(({ member, content = Buffer.alloc(0) }) => {
    const head = Buffer.alloc(mostHead);
    const end = writeHead(head, 0, member, content.length);
    return [head.subarray(0, end), content, Buffer.alloc(padded(content.length) - content.length)];
  });
  return Buffer.concat([...pieces, Buffer.alloc(2 * block)]);
}

function read(tar: Buffer, pieces = tar.length): Seen[] {
  const seen: Seen[] = [];
  const sink: TarSink = {
    member: (member) => seen.push({ member, content: Buffer.alloc(member.size) }),
    content: (bytes, at) => void bytes.copy(seen.at(-1)?.content ?? Buffer.alloc(0), at),
    end: () => undefined,
  };
  pushAll(tar, sink, pieces);
  return seen;
}

/** The memory of each piece holds something else as soon as it was pushed. */
function pushAll(tar: Buffer, sink: TarSink, pieces: number): void {
  const reader = new TarReader(sink);
  for (let at = 0; at < tar.length; at += pieces) {
    const piece = Buffer.from(tar.subarray(at, at + pieces));
    reader.push(piece);
    piece.fill(0xff);
  }
  reader.finish();
}

const bytes = fc.array(
  fc.integer({ min: 1, max: 255 }).filter((code) => code !== 47),
  { minLength: 1, maxLength: 300 },
);
const names = bytes.map((codes) => String.fromCodePoint(...codes)).filter((name) => name !== '.' && name !== '..');
const members = fc.record({
  kind: fc.constantFrom('file', 'folder', 'symlink', 'link' as const),
  path: fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  modified: fc.bigInt({ min: -(10n ** 19n), max: 10n ** 20n }),
  target: names,
  content: fc.uint8Array({ maxLength: 1500 }),
});

describe('a tar says the same when it is read', () => {
  test('S18: of any member, in any pieces', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 2000 }), ({ content, target, ...said }, pieces) => {
        const file = said.kind === 'file';
        const member: Member = {
          ...said,
          size: file ? content.length : 0,
          target: said.kind === 'symlink' || said.kind === 'link' ? target : '',
          regions: null,
        };
        const stored = Buffer.from(file ? content : []);
        const seen = read(tarOf({ member, content: stored }, { member: plain({ path: 'after' }) }), pieces);
        expect(seen).toEqual([
          { member, content: stored },
          { member: plain({ path: 'after' }), content: Buffer.alloc(0) },
        ]);
      }),
    );
  });

  test('S18: its digest is the same in any pieces', () => {
    const entries = fc.array(fc.tuple(names, fc.uint8Array({ maxLength: 6000 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 9000 }), (some, pieces) => {
        const files = some.map(([path, content]) => ({
          member: plain({ path, size: content.length }),
          content: Buffer.from(content),
        }));
        const digestIn = (length: number) => {
          const check = new TreeCheck();
          pushAll(tarOf(...files), check, length);
          return check.tally.facts().digest;
        };
        const expected = new TreeDigest();
        for (const { member, content } of files) expected.add(member, content);
        expect(digestIn(pieces)).toBe(expected.hex());
      }),
    );
  });

  test('of a file of nine gigabytes: its size does not fit the old field', () => {
    const head = Buffer.alloc(mostHead);
    const size = 9 * 1024 ** 3;
    const end = writeHead(head, 0, plain({ size }), size);
    let seen: Member | undefined;
    const reader = new TarReader({
      member: (member) => (seen = member),
      content: () => undefined,
      end: () => undefined,
    });
    reader.push(head.subarray(0, end));
    expect(seen?.size).toBe(size);
  });

  test('of a sparse file, whatever its map', () => {
    const regions = Array.from({ length: 300 }, (_, at) => ({ at: at * 1000, length: 10 }));
    const size = 400_000;
    const data = Buffer.alloc(3000, 'x');
    const content = Buffer.concat([sparseMap(regions, size), data]);
    const [seen] = read(tarOf({ member: plain({ size, regions }), content }), 700);
    expect(seen?.member).toMatchObject({ size, regions });
    expect(seen?.content.subarray(299_000, 299_010).toString()).toBe('xxxxxxxxxx');
    expect(seen?.content.subarray(299_010).every((byte) => byte === 0)).toBe(true);
  });
});

describe('S5: what is damaged is refused', () => {
  const whole = tarOf({ member: plain({ size: 700, modified: 1n }), content: Buffer.alloc(700, 'x') });

  test('cut anywhere but in the padding after its end', () => {
    for (let length = 0; length <= whole.length - 2 * block; length += 1) {
      expect(() => read(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'TAR_DAMAGED' }) as Error);
    }
  });

  test('any bit of a head', () => {
    const head = 3 * block;
    for (let byte = head - block; byte < head; byte += 1) {
      // What ends the number of the sum is not part of it.
      if ([154, 155].includes(byte % block)) continue;
      const flipped = Buffer.from(whole);
      flipped[byte] = (flipped[byte] ?? 0) ^ 1;
      expect(() => read(flipped)).toThrow(expect.objectContaining({ code: 'TAR_DAMAGED' }) as Error);
    }
  });

  test.each([
    ['something after its end', Buffer.concat([whole, Buffer.from('x')])],
    ['a map that leads out of the file', sparse('2\n0\n10\n90\n20\n', 30)],
    ['a map that runs backwards', sparse('2\n50\n10\n0\n10\n', 20)],
    ['a map that never ends', sparse('99\n0\n10\n', 20)],
    ['a map that does not fit', sparse('1\n0\n10\n', 20)],
    ['no map', sparse('x', 20)],
  ])('%s', (_, tar) => {
    expect(() => read(tar)).toThrow(expect.objectContaining({ code: 'TAR_DAMAGED' }) as Error);
  });

  function sparse(map: string, data: number): Buffer {
    const content = Buffer.alloc(padded(map.length) + data);
    content.write(map);
    return tarOf({ member: plain({ size: 100, regions: [] }), content });
  }
});

test.each(['3', '4', '6', 'S', 'D', 'M', 'V'])('S24: a member of the type %s is refused', (type) => {
  const tar = tarOf({ member: plain() });
  tar.write(type, 156);
  tar.write('        ', 148);
  const sum = tar.subarray(0, block).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  expect(() => read(tar)).toThrow(expect.objectContaining({ code: 'TAR_HOSTILE' }) as Error);
});

test.each([
  ['a/b', 'a/b'],
  ['./a/b', 'a/b'],
  ['././a', 'a'],
  ['.', ''],
  ['./', ''],
  ['..a/b..', '..a/b..'],
])('the path %j is %j', (path, safe) => {
  expect(safePath(path)).toBe(safe);
});

test.each(['..', '../a', 'a/..', 'a/../../b', '/a', './/a', 'a//b', 'a/./b', 'a\0b', 'a/'])(
  'S24: the path %j is refused',
  (path) => {
    expect(() => safePath(path)).toThrow(expect.objectContaining({ code: 'TAR_HOSTILE' }) as Error);
  },
);

test('padding ends on a block', () => {
  expect([0, 1, 512, 513].map((at) => pad(Buffer.alloc(2048), at))).toEqual([0, 512, 512, 1024]);
});
