import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { forServer } from './feed-script.ts';
import { isPlainEnd } from '../read/read-through.ts';
import { columnsOfCopy } from '../replace/tables.ts';
import { contentsOfScript } from '../read/script-tables.ts';
import { refuseOwnTransactions, withoutLastCommit } from './script-transactions.ts';

const end = '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abC9\n\n';

async function pass(script: string, size: number): Promise<string> {
  let passed = '';
  const held = withoutLastCommit(async (text) => {
    passed += text.toString();
  });
  for (let at = 0; at < script.length; at += size) await held.send(script.slice(at, at + size));
  await held.end();
  return passed;
}

describe('the last commit of pg_restore', () => {
  const body = `BEGIN;\n${'COPY t FROM stdin;\nCOMMIT;\n\\.\n'.repeat(2000)}`;

  test.each([100, 4096, 10_000_000])('is held back, and only it, in pieces of %i', async (size) => {
    expect(await pass(`${body}COMMIT;\n\n${end}`, size)).toBe(`${body}\n\n${end}`);
  });

  test.each([
    ['cut off before it', body],
    ['something after it', `${body}COMMIT;\n\nselect 1;\n`],
    ['nothing at all', ''],
  ])('missing (%s): the script is damaged', async (_title, script) => {
    await expect(pass(script, 1000)).rejects.toMatchObject({ code: 'DUMP_DAMAGED' });
  });
});

test.each([
  ['BEGIN;', true],
  ['  commit ;', true],
  ['ROLLBACK;\r', true],
  ['START TRANSACTION;', true],
  ['begin isolation level serializable;', true],
  ['COMMIT WORK;', true],
  ['rollback and chain;', true],
  ['abort transaction;', true],
  ['end work;', true],
  ['COPY t FROM stdin;\nCOMMIT;\n\\.', false],
  ['create function f() returns int begin atomic;\nselect 1; end;', false],
  ['BEGIN', false],
  ['END;', false],
  ['a COMMIT;', false],
])('a script with the line %j ends transactions itself: %s', async (line, refused) => {
  const script = Readable.from([
    Buffer.from(`select 1;\n${line.slice(0, 3)}`),
    Buffer.from(`${line.slice(3)}\nselect 2;\n`),
  ]);
  const outcome = contentsOfScript(script).then(refuseOwnTransactions);
  if (refused) await expect(outcome).rejects.toMatchObject({ code: 'SCRIPT_COMMITS' });
  else await expect(outcome).resolves.toBeUndefined();
});

describe('the new setting', () => {
  const head = `SET lock_timeout = 0;\nSET transaction_timeout = 0;\nSET client_encoding = 'UTF8';\n`;
  const read = async (text: string, major: number, size = 30) => {
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      Buffer.from(text.slice(at * size, (at + 1) * size)),
    );
    return Buffer.concat(await Array.fromAsync(forServer(Readable.from(pieces), major))).toString();
  };

  test.each([
    [16, head.replace('SET transaction_timeout = 0;\n', '')],
    [17, head],
  ])('for a server %i', async (major, expected) => {
    expect(await read(head, major)).toBe(expected);
  });

  test('is only taken from the beginning, never from rows', async () => {
    const rows = `${head}${'x'.repeat(20_000)}\nSET transaction_timeout = 0;\n`;
    expect(await read(rows, 15, 5000)).toBe(rows.replace('SET transaction_timeout = 0;\n', ''));
  });
});

test.each([
  [`\n${end}`, true],
  ['\n--\n-- PostgreSQL database dump complete\n--\n\n', true],
  ['\r\n-- PostgreSQL database dump complete\r\n--\r\n', true],
  ['\nALTER TABLE x;\n', false],
  ['\n-- PostgreSQL database dump complete\n--\nselect 1;\n', false],
  ['\n-- PostgreSQL database dump comp', false],
  ['', false],
])('%j is the end of a plain dump: %s', (tail, expected) => {
  expect(isPlainEnd(tail)).toBe(expected);
});

test.each([
  ['COPY public.t (id, "odd, (name)", "q""q") FROM stdin;\n', ['id', 'odd, (name)', 'q"q']],
  ['COPY "a (b) FROM stdin;"."t" (x) FROM stdin;\n', ['x']],
  ['COPY public.t  FROM stdin;\n', null],
])('columns of %j', (statement, columns) => {
  expect(columnsOfCopy(statement)).toEqual(columns);
});
