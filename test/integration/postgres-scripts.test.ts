import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foreignScript } from '../../src/engines/postgres/read/foreign-script.ts';
import { temporaryFolder } from '../support/databases.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';

/** Scripts are cut into statements by psql, not by the server: it is asked what it sends. */

const run = promisify(execFile);

const inText = fc.constantFrom("''", `\\'`, ';', 'x', ' ', '--', '\n', '\r', '/*', '*/', '$$', '"');
const text = fc
  .tuple(fc.constantFrom('', 'E', 'e', 'N', 'U&', 'B', 'X', 'some'), fc.array(inText, { maxLength: 4 }))
  .map(([prefix, parts]) => `${prefix}'${parts.join('')}'`);
const between = fc
  .array(fc.constantFrom(' ', '\n', '\r', '\t', '\f', '-- c\n', '-- d\r', '/* e */', ','), { maxLength: 4 })
  .map((parts) => parts.join(''));
const piece = fc.oneof(
  { weight: 4, arbitrary: text },
  {
    weight: 2,
    arbitrary: fc.constantFrom('; DROP DATABASE gone; SELECT ', ';\nDROP DATABASE gone;\nSELECT ', '; SELECT '),
  },
  fc.constantFrom('$$ ; $$', '$a$ $$ ; $a$', '"q""; "', 'a$b$', '1 ', "/* ; /* n */ ' */", `-- it's\n`),
);
const scripts = fc
  .array(fc.tuple(piece, between), { maxLength: 8 })
  .map((parts) => `SELECT ${parts.flat().join('')}; SELECT 1;\n`);

test('a script is cut where psql cuts it, and loses exactly what is about a database', async () => {
  await using server = await startPostgres();
  await using folder = await temporaryFolder();
  await server.createDatabase('judge');
  const known = [
    `SELECT E'a'\r'b\\'; DROP DATABASE gone; --';\nSELECT 1;\n`,
    `SELECT E'a' -- c\r -- d\r\n 'b\\'; DROP DATABASE gone; --';\nSELECT 1;\n`,
    `SELECT E'a'\n'b\\'; DROP DATABASE gone; --';\nSELECT 1;\n`,
    `SELECT E'a' 'b\\'; DROP DATABASE gone; --';\nSELECT 1;\n`,
    `SELECT E'a' /* c */\r'b\\'; DROP DATABASE gone; --';\nSELECT 1;\n`,
    `SELECT E'a'\r`,
    `SELECT E'a'\r-- c`,
  ];
  const samples = [...known, ...fc.sample(scripts, 300)];
  const passed = await Promise.all(samples.map(withoutDatabases));
  const [before, after] = await Promise.all([
    sentBy(server, samples, folder.path, 'before'),
    sentBy(server, passed, folder.path, 'after'),
  ]);
  for (const [at, script] of samples.entries()) {
    const kept = before[at]?.filter((statement) => !isOfDatabase(statement));
    expect({ script, sent: after[at] }).toEqual({ script, sent: kept });
  }
  expect(before.flat().filter(isOfDatabase).length).toBeGreaterThan(50);
});

async function withoutDatabases(script: string): Promise<string> {
  const told = () => undefined;
  async function* pieces() {
    for (let at = 0; at < script.length; at += 7) yield Buffer.from(script.slice(at, at + 7));
  }
  return Buffer.concat(await Array.fromAsync(foreignScript(pieces(), { restricted: false, told }))).toString();
}

function isOfDatabase(statement: string): boolean {
  return /^(?:\s|--[^\n\r]*[\n\r]|\/\*[^*]*\*\/)*DROP\s+DATABASE/.test(statement);
}

/** The statements of each script as they go to the server, which runs none of them. */
async function sentBy(server: TestPostgres, samples: string[], folder: string, name: string): Promise<string[][]> {
  const log = join(folder, `${name}.log`);
  const args = ['--no-psqlrc', '--quiet', '--output=/dev/null', `--log-file=${log}`, '--dbname', server.url('judge')];
  // In a transaction that has failed, everything is refused.
  args.push('--command=BEGIN', '--command=SELECT 1/0');
  for (const [at, script] of samples.entries()) {
    const path = join(folder, `${name}-${at}.sql`);
    await writeFile(path, script);
    args.push(`--command=SELECT 'script'`, `--file=${path}`);
  }
  await run(join(clientTools(server.major) ?? '', 'psql'), args, { maxBuffer: 64 * 1024 * 1024 }).catch(
    () => undefined,
  );
  const all = (await readFile(log, 'utf8')).matchAll(/^\*{9} QUERY \*{10}\n([\s\S]*?)\n\*{26}$/gm);
  const found: string[][] = [];
  for (const [, statement = ''] of all) {
    if (statement === `SELECT 'script'`) found.push([]);
    else found.at(-1)?.push(statement);
  }
  expect(found).toHaveLength(samples.length);
  return found;
}
