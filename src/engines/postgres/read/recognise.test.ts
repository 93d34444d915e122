import { expect, test } from 'vitest';
import { recognise } from './recognise.ts';

function tar(firstName: string): Buffer {
  const head = Buffer.alloc(512);
  head.write(firstName);
  head.write('ustar\0', 257);
  return head;
}

test.each([
  ['custom', Buffer.from('PGDMP\x01\x0e\x00'), { format: 'custom' }],
  ['tar', tar('toc.dat'), { format: 'tar' }],
  ['plain', Buffer.from('--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n'), { format: 'plain' }],
  [
    'plain with a byte order mark and Windows line ends',
    Buffer.from('\uFEFF--\r\n-- PostgreSQL database dump\r\n--\r\n'),
    { format: 'plain' },
  ],
])('a %s dump is told by its content', (_title, head, expected) => {
  expect(recognise(head)).toEqual(expected);
});

test.each([
  ['another tar', tar('uploads/a.png'), /tar archive/],
  ['a cluster dump', Buffer.from('--\n-- PostgreSQL database cluster dump\n--\n'), /whole cluster/],
  ['a MariaDB dump', Buffer.from('/*M!999999 sandbox */\n-- MariaDB dump 10.19\n'), /MariaDB/],
  ['an SQLite file', Buffer.from('SQLite format 3\0....'), /SQLite/],
])('%s is refused with its reason', (_title, head, reason) => {
  expect(recognise(head)).toEqual({ refused: expect.stringMatching(reason) });
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['garbage', Buffer.from([0, 255, 3, 9, 80, 71])],
  ['a note that mentions one', Buffer.from('see the -- PostgreSQL database dump of yesterday')],
])('%s is no dump', (_title, head) => {
  expect(recognise(head)).toBeNull();
});
