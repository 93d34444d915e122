import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Member } from './member.ts';
import { TreeDigest, zeroBlock } from './tree-digest.ts';

function file(path: string, size: number, mode = 0o644): Member {
  return { kind: 'file', path, mode, uid: 0, gid: 0, size, modified: 0n, target: '', regions: null };
}

test('the digest of a tree does not depend on the order of its members', () => {
  const one = new TreeDigest();
  const other = new TreeDigest();
  const members = [file('a', 1), file('b', 2), file('c', 3)];
  for (const member of members) one.add(member, Buffer.alloc(member.size, 'x'));
  for (const member of members.toReversed()) other.add(member, Buffer.alloc(member.size, 'x'));
  expect(one.hex()).toBe(other.hex());
});

test.each([
  ['another name', file('b', 3), 'abc'],
  ['other rights', file('a', 3, 0o600), 'abc'],
  ['another content', file('a', 3), 'abd'],
  ['a link of that name', { ...file('a', 0), kind: 'symlink', target: 'abc' } as const, ''],
])('%s is another digest', (_, member, content) => {
  const usual = new TreeDigest();
  usual.add(file('a', 3), Buffer.from('abc'));
  const other = new TreeDigest();
  other.add(member, Buffer.from(content));
  expect(other.hex()).not.toBe(usual.hex());
});

test('holes and zeros are the same, in whatever pieces they come', () => {
  const runs = fc.array(fc.record({ zero: fc.boolean(), length: fc.integer({ min: 1, max: 3 * zeroBlock }) }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(runs, fc.integer({ min: 1000, max: 200_000 }), (parts, piece) => {
      const content = Buffer.concat(parts.map(({ zero, length }) => Buffer.alloc(length, zero ? 0 : 7)));
      const member = file('a', content.length);
      const whole = new TreeDigest();
      const all = whole.begin(member);
      for (let at = 0; at < content.length; at += piece) all.update(content.subarray(at, at + piece));
      all.end();
      const holes = new TreeDigest();
      const some = holes.begin(member);
      for (const { zero, length } of parts) {
        if (zero) some.zeros(length);
        else some.update(Buffer.alloc(length, 7));
      }
      some.end();
      expect(holes.hex()).toBe(whole.hex());
    }),
    { numRuns: 50 },
  );
});

test('a small file is the same in one piece and in several', () => {
  const member = file('a', 5);
  const one = new TreeDigest();
  one.add(member, Buffer.from('hello'));
  const other = new TreeDigest();
  const digest = other.begin(member);
  digest.update(Buffer.from('he'));
  digest.update(Buffer.from('llo'));
  digest.end();
  expect(one.hex()).toBe(other.hex());
});

test('zeros at one place are not zeros at another', () => {
  const digestOf = (...pieces: Buffer[]) => {
    const digest = new TreeDigest();
    const content = digest.begin(file('a', 3 * zeroBlock));
    for (const piece of pieces) content.update(piece);
    content.end();
    return digest.hex();
  };
  const zeros = Buffer.alloc(zeroBlock);
  const data = Buffer.alloc(zeroBlock, 1);
  expect(digestOf(zeros, data, zeros)).not.toBe(digestOf(zeros, zeros, data));
});
