import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foreignScript } from './foreign-script.ts';

async function passed(
  script: string,
  pieces: number[] = [],
  restricted = false,
): Promise<{ text: string; told: string[] }> {
  const told: string[] = [];
  const bytes = Buffer.from(script);
  async function* cut() {
    let from = 0;
    for (const length of [...pieces, bytes.length]) {
      yield bytes.subarray(from, from + length);
      from += length;
    }
  }
  const chunks = await Array.fromAsync(foreignScript(cut(), { restricted, told: (what) => told.push(what) }));
  return { text: Buffer.concat(chunks).toString(), told };
}

const head = `SET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\n`;
const ofDatabase = `DROP DATABASE shop;
--
-- Name: shop; Type: DATABASE
--
CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8; \\connect x';
ALTER DATABASE shop OWNER TO "a;b";
COMMENT ON DATABASE shop IS 'it''s; DROP TABLE t';
GRANT ALL ON DATABASE shop TO app;
ALTER ROLE app IN DATABASE shop SET work_mem TO '8MB';
\\connect -reuse-previous=on "dbname='shop'"
SET lock_timeout = 0;
\\connect shop
`;
const content = `
CREATE TABLE public."drop database;" (a text DEFAULT 'x\\'); -- \\connect elsewhere
/* DROP DATABASE a; /* nested; */ \\connect b */
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$ select 'CREATE DATABASE x; \\connect y' $_$;
CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
COMMENT ON TABLE public."drop database;" IS 'on database';
GRANT SELECT ON TABLE public.t TO "on database";
COPY public.t (a, b) FROM stdin;
DROP DATABASE shop;	\\\\connect shop
\\.
INSERT INTO t VALUES (E'\\'; DROP DATABASE shop; \\\\', 'a
\\connect shop
DROP DATABASE shop;');
DROP TABLE t; CREATE TABLE database (id int);
-- DROP DATABASE shop;
`;

describe('a script of pg_dump --create', () => {
  test('is loaded without what it says of its database, and says so', async () => {
    const { text, told } = await passed(head + ofDatabase + content);
    expect(text.replaceAll(/\s+/g, ' ')).toBe(`${head}SET lock_timeout = 0;${content}`.replaceAll(/\s+/g, ' '));
    expect(told).toEqual([
      'left out of the script, which is about another database: DROP DATABASE, CREATE DATABASE, ALTER DATABASE, COMMENT ON, GRANT ALL, ALTER ROLE, \\connect',
    ]);
  });

  test('that goes to another database after it has made something is refused', async () => {
    await expect(passed(`${head}CREATE TABLE t (id int);\n\\connect other\n`)).rejects.toMatchObject({
      code: 'SCRIPT_CONNECTS',
      message: expect.stringContaining('\\connect other'),
    });
  });

  test('with backslashes that are escapes in ordinary strings is read as the server reads it', async () => {
    const off = `SET standard_conforming_strings = off;\nINSERT INTO t VALUES ('\\'; DROP DATABASE shop;');\n`;
    expect(await passed(off)).toEqual({ text: off, told: [] });
  });

  test('loses the mark of its encoding, which psql does not take from a pipe', async () => {
    expect((await passed(`\u{FEFF}${head}`, [1, 1, 2])).text).toBe(head);
  });
});

test('a schema called database, a table of very many columns and a template are read as what they are', async () => {
  const columns = Array.from({ length: 1100 }, (_, at) => `c${at}`).join(', ');
  const odd = `${head}COMMENT ON TRIGGER t ON database.t IS 'x';\nCOMMENT ON TABLE database.t IS 'y';
COPY database.t (${columns}) FROM stdin WITH (FORMAT text);\nx; drop database y; z\n\\.\nUPDATE t SET a = 1;\n`;
  expect(await passed(odd)).toEqual({ text: odd, told: [] });
  const template = `UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'shop';\n`;
  expect((await passed(`${head}${template}DROP DATABASE shop;\n\\connect shop\n`)).text.trim()).toBe(head.trim());
});

test('line ends of any kind, and commands that send a statement, hide nothing', async () => {
  const old = `-- x\rDROP DATABASE shop;\rSELECT 1;\r`;
  expect((await passed(old)).told.join()).toContain('DROP DATABASE');
  const sent = await passed(`SELECT 1\\g\nDROP DATABASE shop;\nSELECT 2;\n`);
  expect(sent.text.replaceAll(/\s+/g, ' ')).toBe('SELECT 1\\g SELECT 2; ');
  const off = `SET standard_conforming_strings TO off;\nINSERT INTO t VALUES ('\\'; DROP DATABASE shop;');\n`;
  expect(await passed(off)).toEqual({ text: off, told: [] });
});

test('its own words for psql are left out where psql has heard ours', async () => {
  const script = `\\restrict abc\n${head}SELECT '\\unrestrict abc\n';\n\\! touch x\n\\unrestrict abc\n`;
  expect((await passed(script)).text).toBe(script);
  expect((await passed(script, [5, 9], true)).text).toBe(`${head}SELECT '\\unrestrict abc\n';\n\\! touch x\n`);
});

test('any other script is passed on byte for byte, however it arrives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200 })), async (pieces) => {
      expect(await passed(head + content, pieces)).toEqual({ text: head + content, told: [] });
    }),
  );
  const whole = await passed(head + ofDatabase + content);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200 })), async (pieces) => {
      expect(await passed(head + ofDatabase + content, pieces)).toEqual(whole);
    }),
  );
});

test('a cut or strange script loses nothing', async () => {
  const word = fc.constantFrom(
    "'",
    '"',
    '$$',
    '$a$',
    '--',
    '/*',
    '*/',
    ';',
    '\\',
    '\n',
    'E',
    'copy',
    'from',
    'stdin',
    ' ',
    'é',
    '\\.',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word), fc.array(fc.integer({ min: 1, max: 9 })), async (words, pieces) => {
      const script = words.join('');
      expect((await passed(script, pieces)).text).toBe(script);
    }),
    { numRuns: 1000 },
  );
});
