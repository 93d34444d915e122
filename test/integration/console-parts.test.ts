import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import {
  accessibilityViolations,
  buildConsole,
  chromiumProgram,
  openBrowser,
  type Visitor,
} from '../support/browser.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startContractServer, type ContractServer } from '../support/nocodb-contract-server.ts';
import { base, column, table } from '../support/nocodb-contract-world.ts';
import { withWrites } from '../support/nocodb-contract-writes.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const password = 'correct horse battery staple';
const missing = chromiumProgram() === null;

describe.skipIf(missing)('folders in the console (skipped without chromium)', () => {
  const doors = new AsyncDisposableStack();
  let visitor: Visitor;
  let page: Page;
  let id: string;
  let papers: string;
  let notes: string;
  let noco: ContractServer;
  let database: string;
  let uploads: string;
  let letters: string;

  beforeAll(async () => {
    buildConsole();
    const place = doors.use(await temporaryFolder());
    database = join(place.path, 'shop.db');
    runIn(database, 'create table orders (id integer primary key); insert into orders values (1), (2), (3)');
    [uploads, letters] = [join(place.path, 'uploads'), join(place.path, 'letters')];
    for (const folder of [uploads, letters]) {
      await mkdir(folder);
      await writeFile(join(folder, 'a.txt'), 'then');
    }
    const records = Array.from({ length: 12 }, (_, at) => ({ Id: at + 1, Name: `Person ${at}` }));
    const people = table('People', [column('Name', 'SingleLineText', { pv: true })], records);
    noco = doors.use(await startContractServer([base('Shop', [people])]));
    withWrites(noco);
    const holdfast = doors.use(await installHoldfast({ url: 'postgres://nobody@127.0.0.1/none' }));
    const files = [uploads, letters].map((path) => ({ path, exclude: ['*.tmp'] }));
    await holdfast.configure({
      state: './state',
      sources: {
        shop: { database: { path: database }, files },
        papers: { files: [{ path: letters }] },
        notes: { app: { kind: 'nocodb', url: noco.url, token: noco.token } },
      },
      storages: { local: { type: 'local', path: './backups' } },
      server: anyPort,
    });
    const file = join(holdfast.folder, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', file);
    ({ id } = await holdfast.json<{ id: string }>('backup', 'shop'));
    papers = (await holdfast.json<{ id: string }>('backup', 'papers')).id;
    notes = (await holdfast.json<{ id: string }>('backup', 'notes')).id;
    const served = doors.use(await serveHoldfast(holdfast));
    visitor = doors.use(await openBrowser(served.base));
    page = visitor.page;
    await page.goto(served.base);
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await writeFile(join(uploads, 'a.txt'), 'now');
    await writeFile(join(letters, 'a.txt'), 'now');
    runIn(database, 'delete from orders');
  }, 240_000);
  afterAll(() => doors.disposeAsync());

  test('a backup shows its folders, and tables of a database that knows no schemas', async () => {
    await visitor.goto(`/sources/shop/${id}`);
    const folders = page.getByRole('table', { name: 'Folders' });
    await folders.getByText(uploads, { exact: true }).waitFor();
    expect(await folders.getByRole('row').count()).toBe(3);
    await page.getByRole('table', { name: 'shop.db', exact: true }).getByText('orders', { exact: true }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
  });

  test('one folder comes back after its plan was seen and the name of the source was typed', async () => {
    await visitor.goto(`/restore?source=shop&id=${id}`);
    await page.getByRole('radio', { name: 'Folders only' }).click();
    await page.getByRole('combobox', { name: 'Folders' }).click();
    await page.getByRole('option', { name: /^uploads/ }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByRole('table', { name: 'Folders' }).getByText(uploads, { exact: true }).waitFor();
    expect(await page.getByText('is replaced', { exact: true }).count()).toBe(1);
    expect(await accessibilityViolations(page)).toEqual([]);

    await page.getByLabel('To go on, type').fill('shop');
    await page.getByRole('button', { name: 'Restore now' }).click();
    await page.getByRole('status').getByText('Restored', { exact: true }).waitFor({ timeout: 60_000 });
    await page.getByRole('table', { name: 'Folders' }).getByText(uploads, { exact: true }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(await readFile(join(uploads, 'a.txt'), 'utf8')).toBe('then');
    expect(await readFile(join(letters, 'a.txt'), 'utf8')).toBe('now');
    expect(rowsOf(database, 'select * from orders')).toEqual([]);
  });

  test('everything: the plan names the folders beside the checks of the database', async () => {
    await visitor.goto(`/restore?source=shop&id=${id}`);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByRole('list', { name: 'Checks' }).waitFor();
    expect(await page.getByRole('table', { name: 'Folders' }).getByText('is replaced').count()).toBe(2);
    await page.getByRole('radio', { name: 'The database only' }).click();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByRole('list', { name: 'Checks' }).waitFor();
    expect(await page.getByRole('table', { name: 'Folders' }).count()).toBe(0);
  });

  test('a source without a database is known by its folder, and only that is offered', async () => {
    await visitor.goto('/sources/papers');
    await page.getByText(letters).first().waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await visitor.goto('/restore?source=papers');
    await page.getByRole('radio', { name: new RegExp(papers) }).click();
    await page.getByText('Each replaces the live folder as a whole').waitFor();
    expect(await page.getByRole('radio', { name: 'Another database' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByRole('table', { name: 'Folders' }).getByText(letters, { exact: true }).waitFor();
  });

  test('bases of NocoDB: shown with their records, and made anew beside what is there', async () => {
    await visitor.goto(`/sources/notes/${notes}`);
    const row = page.getByRole('table', { name: 'Bases' }).getByRole('row', { name: /People/ });
    await row.getByText('12', { exact: true }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);

    await visitor.goto(`/restore?source=notes&id=${notes}`);
    await page.getByRole('radio', { name: 'Bases and tables, empty' }).click();
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByText('In the way', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Restore now' }).count()).toBe(0);
    await page.getByLabel('Into a base with another title').fill('Shop 2');
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByText('Is created', { exact: true }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByLabel('To go on, type').fill('yes');
    await page.getByRole('button', { name: 'Restore now' }).click();
    await page.getByRole('status').getByText('Restored', { exact: true }).waitFor({ timeout: 60_000 });
    await page.getByRole('table', { name: 'Tables' }).getByText('People', { exact: true }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
  });

  test('the settings show folders, and do not let them be changed', async () => {
    await visitor.goto('/settings');
    await page.getByRole('table', { name: 'Folders' }).getByText(letters, { exact: true }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
  });

  test('in German, on a narrow screen, nothing sticks out', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.evaluate("localStorage.setItem('holdfast-language', 'de')");
    for (const path of [`/sources/shop/${id}`, `/restore?source=shop&id=${id}`, '/settings', '/sources/papers']) {
      await visitor.goto(path);
      const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect(over, path).toBe(0);
    }
  });

  test('nothing was complained about', () => {
    expect(visitor.complaints).toEqual([]);
  });
});
