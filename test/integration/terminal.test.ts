import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { columnsOf } from '../../src/cli/output/text.ts';
import { evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ctrlC, openTerminal } from '../support/terminal.ts';

/** What only shows where a person sits: questions, live progress, colours, Ctrl-C. */
let server: TestPostgres;
let holdfast: Installation;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  holdfast = await installHoldfast({ url: server.url('shop') });
});
afterEach(() => holdfast[Symbol.asyncDispose]());

test('a backup shows its steps with their times, in colour, and leaves a clean screen', async () => {
  await using terminal = openTerminal(holdfast, 'backup');
  expect(await terminal.ended).toBe(0);
  const text = stripVTControlCharacters(terminal.raw());
  for (const step of ['snapshot', 'dump', 'seal', 'checksum', 'structure']) expect(text).toMatch(`✓ ${step}`);
  expect(terminal.raw()).toMatch(/\u001b\[32m/);
  // The cursor that was hidden for the progress is there again.
  expect(terminal.raw().lastIndexOf('\u001b[?25h')).toBeGreaterThanOrEqual(terminal.raw().lastIndexOf('\u001b[?25l'));
  expect(await holdfast.stored()).toHaveLength(1);
});

test('T-04: a restore asks for the name of the database; another word is refused and nothing is touched', async () => {
  await holdfast.json('backup');
  const before = await evidenceOf(server, 'shop');
  await using terminal = openTerminal(holdfast, 'restore', 'latest');
  await terminal.sees('Type shop to go on');
  terminal.type('yes\n');
  expect(await terminal.ended).toBe(4);
  await terminal.sees('NOT_CONFIRMED');
  expect(await evidenceOf(server, 'shop')).toEqual(before);
});

test('what is restored alone is named before it is confirmed, and what is told of it breaks no word', async () => {
  const { id } = await holdfast.json<{ id: string }>('backup');
  {
    await using terminal = openTerminal(holdfast, 'restore', id, '--table', 'shop.item', '--table', 'audit.event');
    await terminal.sees('Type shop to go on');
    await terminal.sees(/only +tables shop\.item, audit\.event/);
    terminal.type('shop\n');
    expect(await terminal.ended).toBe(0);
    // There is none to be compared.
    expect(stripVTControlCharacters(terminal.raw())).not.toContain('0 sequences');
  }
  for (const command of [['logs', 'latest'], ['report'], ['runs']]) {
    await using terminal = openTerminal(holdfast, ...command);
    expect(await terminal.ended).toBe(0);
    const lines = stripVTControlCharacters(terminal.raw()).split(/\r?\n/);
    expect(lines.filter((line) => columnsOf(line) > 100)).toEqual([]);
    expect(lines.join('\n')).toContain(id);
  }
});

test('with the name typed it restores, and says where the old database is', async () => {
  await holdfast.json('backup');
  await using terminal = openTerminal(holdfast, 'restore', 'latest', '--keep-old');
  await terminal.sees('Type shop to go on');
  terminal.type('shop\n');
  expect(await terminal.ended).toBe(0);
  await terminal.sees(/shop_\w+/);
});

test('Ctrl-C at a question ends it as interrupted, and nothing is removed', async () => {
  await holdfast.json('backup');
  await using terminal = openTerminal(holdfast, 'delete', 'latest', '--allow-last');
  await terminal.sees('Type yes to go on');
  terminal.type(ctrlC);
  expect(await terminal.ended).toBe(130);
  expect(await holdfast.stored()).toHaveLength(1);
});

test('NO_COLOR-like output: through a pipe there is neither colour nor movement of the cursor', async () => {
  const { stdout, stderr } = await holdfast.run('backup');
  expect(stripVTControlCharacters(stdout + stderr)).toBe(stdout + stderr);
});

test('init asks; what is pasted replaces what was offered, and Enter takes the usual', async () => {
  await using place = await temporaryFolder();
  await using terminal = openTerminal({ folder: place.path }, 'init');
  await terminal.sees('Which database?');
  terminal.type('\r');
  await terminal.sees('Address of the database');
  // An example is no answer.
  terminal.type('\r');
  await terminal.sees('the address');
  const { username, host } = new URL(server.url('shop'));
  terminal.type(`postgres://${username}@${host}/shop\r`);
  await terminal.sees('Password');
  terminal.type(`${server.password}\r`);
  await terminal.sees('Name of this source');
  terminal.type('\r');
  await terminal.sees('Folder for backups');
  terminal.type(`${place.path}/kept\r`);
  await terminal.sees('When?');
  terminal.type('\r');
  expect(await terminal.ended).toBe(0);
  const written = parse(await readFile(join(place.path, 'holdfast.yaml'), 'utf8')) as Record<string, object>;
  expect(written['sources']).toMatchObject({
    shop: { database: { url: `postgres://${username}@${host}/shop` }, schedule: { cron: '15 3 * * *' } },
  });
  expect(written['storages']).toMatchObject({ local: { path: `${place.path}/kept` } });
});
