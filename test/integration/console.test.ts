import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHoldfast, type Served } from '../support/api.ts';
import {
  accessibilityViolations,
  buildConsole,
  chromiumProgram,
  openBrowser,
  settled,
  type Visitor,
} from '../support/browser.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery staple';
const missing = chromiumProgram() === null;

describe.skipIf(missing)('the console in a browser (skipped without chromium)', () => {
  const doors = new AsyncDisposableStack();
  let server: TestPostgres;
  let holdfast: Installation;
  let served: Served;
  let visitor: Visitor;
  let page: Page;

  beforeAll(async () => {
    buildConsole();
    server = doors.use(await startPostgres());
    await server.createDatabase('shop');
    await fillShop(server, 'shop');
    holdfast = doors.use(
      await installHoldfast({
        url: server.url('shop'),
        settings: { schedule: { cron: '15 5 * * *' }, retention: { last: 30 } },
        top: { server: { listen: `127.0.0.1:${await freePort()}` }, timezone: 'Europe/Berlin', instance: 'web-1' },
      }),
    );
    served = doors.use(await serveHoldfast(holdfast));
    visitor = doors.use(await openBrowser(served.base));
    page = visitor.page;
  }, 240_000);
  afterAll(() => doors.disposeAsync());

  test('the first visitor makes the first user with the token from the log', async () => {
    await page.goto(served.base);
    await page.getByLabel('Setup token').fill(served.setupToken ?? '');
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill(password);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Make the user and sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('no backup yet').waitFor();
  });

  test('whoever cannot be signed out is told so, and not shown the entrance', async () => {
    await page.route('**/api/v1/session', (route) =>
      route.request().method() === 'DELETE' ? route.abort() : route.continue(),
    );
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expectShown(page.getByRole('alert').getByText('The server does not answer.'));
    await expectShown(page.getByRole('heading', { name: 'Overview' }));
    await page.unroute('**/api/v1/session');
    await page.reload();
  });

  test('a page of the menu opens in another tab, where one asks for that', async () => {
    const opened = visitor.context.waitForEvent('page');
    await page.getByRole('link', { name: 'Activity' }).click({ modifiers: ['Control'] });
    const tab = await opened;
    await tab.getByRole('heading', { name: 'Activity', level: 2 }).waitFor();
    await expectShown(page.getByRole('heading', { name: 'Overview' }));
    await tab.close();
  });

  test('signing out leads to the entrance; a wrong password is told, the right one opens', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill('wrong horse battery staple');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('Name or password is wrong.').waitFor();
    await page.evaluate("localStorage.setItem('holdfast-language', 'de')");
    await page.reload();
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill('wrong horse battery staple');
    await page.getByRole('button', { name: 'Anmelden' }).click();
    await page.getByRole('alert').getByText('Name oder Passwort ist falsch.').waitFor();
    await page.evaluate("localStorage.setItem('holdfast-language', 'en')");
    await page.reload();
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expectShown(page.getByRole('heading', { name: 'Overview' }));
  });

  test('a backup with a description: live progress, then it stands in the list without reloading', async () => {
    await server.sql('shop', 'create table noise as select n, md5(n::text) a from generate_series(1, 2500000) n');
    await visitor.goto('/sources/shop');
    await page.getByRole('button', { name: 'Back up now' }).click();
    await page.getByLabel('Description').fill('before the new release');
    await page.getByRole('dialog').getByRole('button', { name: 'Back up now' }).click();
    await page.getByText('Backup of shop has begun').waitFor();
    await page.getByRole('progressbar', { name: 'Backup' }).waitFor();
    await page.getByText(/Dump · .*\d\s(KB|MB)/).waitFor();
    await page.getByText('Backup of shop is done').waitFor({ timeout: 60_000 });
    const row = page
      .getByRole('table', { name: 'Backups' })
      .getByRole('row')
      .filter({ hasText: 'before the new release' });
    await row.getByText('complete').waitFor();
    await page.getByRole('progressbar').waitFor({ state: 'detached' });
    expect(await holdfast.stored()).toHaveLength(1);
  });

  test('the list updates itself when another process takes a backup', async () => {
    expect(await rowsOf(page).count()).toBe(2);
    await holdfast.json('backup');
    await until(async () => (await rowsOf(page).count()) === 3, 'the second backup is listed');
  });

  test('B-d11: a lost connection is shown, and what was missed meanwhile is there when it is back', async () => {
    await served.stop();
    await expectShown(page.getByText('Connection lost'));
    await holdfast.json('backup');
    served = doors.use(await serveHoldfast(holdfast));
    await page.getByText('Connection lost').waitFor({ state: 'detached', timeout: 60_000 });
    await until(async () => (await rowsOf(page).count()) === 4, 'the third backup is listed');
  });

  test('a drill from the menu of a backup', async () => {
    await page
      .getByRole('button', { name: /^Actions for/ })
      .first()
      .click();
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByRole('menuitem', { name: 'Drill' }).click();
    await page.getByText('Drill of shop is done').waitFor({ timeout: 60_000 });
    await expectShown(page.getByRole('table', { name: 'Backups' }).getByText('drilled'));
  });

  test('what a backup holds: tables with rows, proofs, files to download, commands for recovery by hand', async () => {
    await page.getByRole('table', { name: 'Backups' }).getByRole('link').first().click();
    await page.getByRole('heading', { name: /^Backup of/ }).waitFor();
    await page.getByLabel('Find a table').fill('noise');
    await page.getByRole('table', { name: 'public' }).getByText('2,500,000').waitFor();
    await page.getByText('Drill: passed').waitFor();
    await page.getByText('pg_restore --exit-on-error').waitFor();
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-console-'));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download', exact: true }).click(),
    ]);
    const file = join(folder, 'backup.tar');
    await download.saveAs(file);
    // The entries of a tar begin with their names.
    expect((await readFile(file)).includes('manifest.json')).toBe(true);
    rmSync(folder, { recursive: true });
  });

  test('hold keeps it, release lets it go', async () => {
    await page.getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('menuitem', { name: 'Hold' }).click();
    await expectShown(page.getByText('held', { exact: true }));
    await page.getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('menuitem', { name: 'Release' }).click();
    await page.getByText('held', { exact: true }).waitFor({ state: 'detached' });
  });

  test('the retention preview names a rule for every backup and removes none', async () => {
    await visitor.goto('/sources/shop');
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Retention preview' }).click();
    await page.getByRole('dialog').getByText('last 1 of 30').waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await holdfast.stored()).toHaveLength(3);
  });

  test('deleting asks for the name of the source, and only then deletes', async () => {
    await page
      .getByRole('button', { name: /^Actions for/ })
      .last()
      .click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    const remove = dialog.getByRole('button', { name: 'Delete' });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('shops');
    expect(await remove.isDisabled()).toBe(true);
    expect(await accessibilityViolations(page)).toEqual([]);
    await dialog.getByRole('textbox').fill('shop');
    await remove.click();
    await page.getByText('Deletion of shop is done').waitFor();
    await until(async () => (await rowsOf(page).count()) === 3, 'two are left');
    expect(await holdfast.stored()).toHaveLength(2);
  });

  test('a look that found nothing is not called all right once a run has failed since', async () => {
    await visitor.goto('/');
    await page.getByRole('button', { name: 'Look now' }).click();
    await expectShown(page.getByText('Everything is all right'));
    const config = await readFile(holdfast.configFile, 'utf8');
    await writeFile(holdfast.configFile, config.replace('schedule:', 'hooks: { before: ["false"] }\n    schedule:'));
    expect(await holdfast.run('backup')).toMatchObject({ status: 1 });
    await writeFile(holdfast.configFile, config);
    await expectShown(page.getByText('the last run failed'));
    await expectShown(page.getByText('Something has failed since the last look'));
    expect(await page.getByText('Everything is all right').count()).toBe(0);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Look now' }).click();
    await expectShown(page.getByText('One thing should be looked at'));
    expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  });

  test('what somebody else looks for and finds is shown at once, and a look of long ago is not called all right', async () => {
    await visitor.goto('/');
    await page.getByRole('button', { name: 'Look now' }).click();
    await expectShown(page.getByText('Everything is all right'));
    // As another process that looks by the clock, and without any change of a backup.
    const config = await readFile(holdfast.configFile, 'utf8');
    await writeFile(holdfast.configFile, `${config}\nmonitor: { minBackups: 99 }\n`);
    expect((await holdfast.run('check')).stdout).toContain('TOO_FEW_BACKUPS');
    await writeFile(holdfast.configFile, config);
    await expectShown(page.getByText('should be looked at'));
    expect(await holdfast.run('check')).toMatchObject({ status: 0 });
    await expectShown(page.getByText('Everything is all right'));

    await page.route('**/api/v1/check', async (route) => {
      const response = await route.fetch();
      const fresh = (await response.json()) as object;
      await route.fulfill({ response, json: { ...fresh, at: hoursAgo(3), goodUntil: hoursAgo(1) } });
    });
    await page.reload();
    await expectShown(page.getByText('Nobody has looked for a while'));
    expect(await page.getByText('Everything is all right').count()).toBe(0);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.unroute('**/api/v1/check');
    await page.getByRole('button', { name: 'Look now' }).click();
    await expectShown(page.getByText('Everything is all right'));
  });

  test('a viewer sees everything and no button that is not for them', async () => {
    await using other = await openBrowser(served.base);
    const file = join(holdfast.folder, 'password');
    await writeFile(
      file,
      `${password} 2
`,
    );
    await holdfast.json('user', 'create', 'vic', '--role', 'viewer', '--password-file', file);
    await other.context.request.post(`${served.base}/api/v1/session`, {
      headers: { 'x-holdfast': '1' },
      data: { name: 'vic', password: `${password} 2` },
    });
    await other.goto('/');
    await other.page.getByText('protected').waitFor();
    expect(await other.page.getByRole('button', { name: 'Back up now' }).count()).toBe(0);
    await other.goto('/sources/shop');
    await other.page.getByRole('table', { name: 'Backups' }).waitFor();
    expect(await other.page.getByRole('button', { name: /Back up now|^Actions$/ }).count()).toBe(0);
    await other.page
      .getByRole('button', { name: /^Actions for/ })
      .first()
      .click();
    expect(await other.page.getByRole('menuitem').allInnerTexts()).toEqual(['Look inside']);
  });

  describe('every page', () => {
    const paths = [
      '/',
      '/sources/shop',
      '/sources/shop/latest',
      '/activity',
      '/restore',
      '/alerts',
      '/settings',
      '/access',
      '/audit',
      '/nowhere',
    ];

    test.each(['light', 'dark'] as const)('can be used by everybody (axe), %s', async (scheme) => {
      await page.evaluate(`localStorage.setItem('mantine-color-scheme-value', '${scheme}')`);
      for (const path of paths) {
        await visitor.goto(path);
        expect(await accessibilityViolations(page), path).toEqual([]);
      }
      expect(await page.evaluate("document.documentElement.dataset['mantineColorScheme']")).toBe(scheme);
    });

    test('in the dark, buttons on cards are seen, also those that cannot be pressed', async () => {
      await page.evaluate("localStorage.setItem('mantine-color-scheme-value', 'dark')");
      await visitor.goto('/settings');
      const same = `[...document.querySelectorAll('main .mantine-Card-root button.mantine-Button-root')].filter((button) =>
        getComputedStyle(button).backgroundColor === getComputedStyle(button.closest('.mantine-Card-root')).backgroundColor
      ).map(({ innerText }) => innerText)`;
      await page.getByRole('button', { name: 'Save' }).first().waitFor();
      expect(await page.evaluate(same)).toEqual([]);
    });

    test('speaks German', async () => {
      await page.evaluate("localStorage.setItem('holdfast-language', 'de')");
      await visitor.goto('/');
      await page.getByRole('heading', { name: 'Übersicht' }).waitFor();
      await page.getByRole('button', { name: 'Jetzt sichern: shop' }).waitFor();
      await visitor.goto('/sources/shop');
      await page.getByRole('columnheader', { name: 'Bewiesen' }).waitFor();
      expect(await page.evaluate('document.documentElement.lang')).toBe('de');
      await page.evaluate("localStorage.removeItem('holdfast-language')");
    });

    test('fits a narrow screen', async () => {
      await page.setViewportSize({ width: 360, height: 740 });
      for (const path of paths) {
        await visitor.goto(path);
        await settled(page);
        const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        expect(over, path).toBe(0);
      }
      await page.setViewportSize({ width: 1280, height: 900 });
    });

    test('breaks no policy and throws no error', () => {
      expect(visitor.complaints).toEqual([]);
    });
  });

  test('the first load is no more than 400 kB of compressed script', async () => {
    await using other = await openBrowser(served.base, { storageState: await visitor.context.storageState() });
    await other.goto('/');
    await other.page.getByText('protected').waitFor();
    const bytes = await other.page.evaluate<number>(
      "performance.getEntriesByType('resource').filter((each) => each.name.endsWith('.js')).reduce((sum, each) => sum + each.encodedBodySize, 0)",
    );
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(400_000);
  });
});

function rowsOf(page: Page): Locator {
  return page.getByRole('table', { name: 'Backups' }).getByRole('row');
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

async function expectShown(what: Locator): Promise<void> {
  await what.first().waitFor();
}

/** The same one after a restart: a page that is open must find its daemon again. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
