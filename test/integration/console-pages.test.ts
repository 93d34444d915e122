import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeAt } from '../../src/access/totp.ts';
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
import { startReceiver, type HttpReceiver } from '../support/http-receiver.ts';
import { freePort } from '../support/loopback.ts';
import { writeNbdata } from '../support/nbdata-writer.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery staple';
const missing = chromiumProgram() === null;

describe.skipIf(missing)('pages of the console in a browser (skipped without chromium)', () => {
  const doors = new AsyncDisposableStack();
  let server: TestPostgres;
  let receiver: HttpReceiver;
  let holdfast: Installation;
  let served: Served;
  let visitor: Visitor;
  let page: Page;

  beforeAll(async () => {
    buildConsole();
    server = doors.use(await startPostgres());
    receiver = doors.use(await startReceiver());
    await server.createDatabase('shop');
    await server.sql(
      'shop',
      `create table customer (id serial primary key, name text);
       insert into customer (name) select 'customer ' || n from generate_series(1, 500) n;
       create table note (id int primary key, text text);
       insert into note select n, md5(n::text) from generate_series(1, 50) n`,
    );
    const url = server.url('shop');
    holdfast = doors.use(
      await installHoldfast({
        url,
        top: {
          // The same again after a change of settings: the page stays where it is.
          server: { listen: `127.0.0.1:${await freePort()}` },
          timezone: 'Europe/Berlin',
          instance: 'web-1',
          alerts: { channels: [{ type: 'webhook', url: `${receiver.url}/hook` }] },
        },
      }),
    );
    const file = join(holdfast.folder, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', file);
    await holdfast.json('user', 'create', 'vic', '--role', 'viewer', '--password-file', file);
    await holdfast.json('user', 'create', 'uma', '--role', 'viewer', '--password-file', file);
    await holdfast.json('backup', '--description', 'all is well');
    served = doors.use(await serveHoldfast(holdfast));
    visitor = doors.use(await openBrowser(served.base));
    page = visitor.page;
    await enter(page, served.base, 'ada');
  }, 240_000);
  afterAll(() => doors.disposeAsync());

  describe('restore', () => {
    test('B-07, B-12: damaged data comes back, after the checks were seen and the name was typed', async () => {
      await server.sql('shop', "delete from customer; insert into customer (name) values ('oops')");
      await visitor.goto('/restore');
      expect(await page.getByRole('button', { name: 'Restore now' }).count()).toBe(0);
      expect(await page.getByRole('button', { name: 'Check', exact: true }).isDisabled()).toBe(true);
      await page.getByRole('radio', { name: /all is well/ }).click();
      await page.getByRole('switch', { name: 'Keep the old database' }).click();
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.getByRole('list', { name: 'Checks' }).getByText('Rights: fine').waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);

      const begin = page.getByRole('button', { name: 'Restore now' });
      expect(await begin.isDisabled()).toBe(true);
      await page.getByLabel('To go on, type').fill('shops');
      expect(await begin.isDisabled()).toBe(true);
      expect(await countIn('customer')).toBe(1);
      await page.getByLabel('To go on, type').fill('shop');
      await begin.click();

      await page.getByText('Restored and compared').waitFor({ timeout: 60_000 });
      expect(await countIn('customer')).toBe(500);
      await page.getByText('what was restored is what was backed up').waitFor();
      await page.getByRole('log').getByText('swap done').waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
    });

    test('S17: the way back puts the old database in its place again, once', async () => {
      await page.getByRole('button', { name: 'Go back' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox').fill('shop');
      expect(await accessibilityViolations(page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Go back' }).click();
      await page.getByText('Back to the state before the restore').waitFor({ timeout: 60_000 });
      expect(await countIn('customer')).toBe(1);
      await page.goBack();
      await page.getByText('Restored and compared').waitFor();
      await settled(page);
      expect(await page.getByRole('button', { name: 'Go back' }).count()).toBe(0);
    });

    test('what was looked at counts only for exactly that: a change asks to look again', async () => {
      await visitor.goto('/restore');
      await page.getByRole('radio', { name: /all is well/ }).click();
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.getByRole('button', { name: 'Restore now' }).waitFor();
      await page.getByRole('radio', { name: /^Another database/ }).click();
      expect(await page.getByRole('button', { name: 'Restore now' }).count()).toBe(0);
    });

    test('what stands in the way blocks, and says so', async () => {
      await server.createDatabase('taken');
      await server.sql('taken', 'create table something (id int)');
      await page.getByLabel('Name of the database').fill('taken');
      await page.getByRole('button', { name: 'Check again' }).click();
      await page.getByText('Target: in the way').waitFor();
      expect(await page.getByRole('button', { name: 'Restore now' }).count()).toBe(0);
      expect(await accessibilityViolations(page)).toEqual([]);
    });

    test('another database is filled without a name to be typed, and the live one stays', async () => {
      await page.getByLabel('Name of the database').fill('shop_copy');
      await page.getByRole('button', { name: 'Check again' }).click();
      await page.getByRole('button', { name: 'Restore now' }).click();
      await page.getByText('Restored and compared').waitFor({ timeout: 60_000 });
      expect(await countIn('customer', 'shop_copy')).toBe(500);
      expect(await countIn('customer')).toBe(1);
    });

    test('a single table comes back beside what others have written', async () => {
      await server.sql('shop', 'delete from note; delete from customer');
      await visitor.goto('/restore');
      await page.getByRole('radio', { name: /all is well/ }).click();
      await page.getByRole('radio', { name: /^Single tables/ }).click();
      await page.getByRole('combobox', { name: 'Tables and schemas' }).click();
      await page.getByRole('option', { name: /^public\.note/ }).click();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.getByLabel('To go on, type').fill('shop');
      await page.getByRole('button', { name: 'Restore now' }).click();
      await page.getByText('Restored and compared').waitFor({ timeout: 60_000 });
      expect([await countIn('note'), await countIn('customer')]).toEqual([50, 0]);
    });
  });

  describe('a file from this computer', () => {
    test('B-07, B-d11: an encrypted one: a wrong password is told, with the right one it can be looked at and restored', async () => {
      const program = join(clientTools(15) ?? '', 'pg_dump');
      const { stdout } = await promisify(execFile)(program, ['-Fc', '-d', server.url('shop_copy')], {
        encoding: 'buffer',
      });
      const file = join(holdfast.folder, 'backup_20260120_020000_0001.nbdata');
      await writeNbdata(file, { data: stdout, password: 'right password' });
      await visitor.goto('/restore');
      await page.getByRole('button', { name: 'Use a file from this computer…' }).click();
      await page.locator('input[type=file]').setInputFiles(file);
      await page.getByLabel('Password of the file').fill('wrong password');
      const take = page.getByRole('button', { name: 'Take it in' });
      await take.click();
      await page.getByRole('alert').getByText('NBDATA_PASSWORD_WRONG').waitFor({ timeout: 60_000 });
      expect(await accessibilityViolations(page)).toEqual([]);
      expect(await countIn('customer')).toBe(0);

      await page.getByLabel('Password of the file').fill('right password');
      await take.click();
      await page.getByRole('alert').getByText('IMPORT_SUPERUSER').waitFor({ timeout: 60_000 });
      await page.getByLabel('I trust whoever made this file').check();
      await take.click();
      await page.getByRole('radio', { name: /imported|2026-01-20/, checked: true }).waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.getByLabel('To go on, type').fill('shop');
      await page.getByRole('button', { name: 'Restore now' }).click();
      await page
        .getByText(/^Restored/)
        .first()
        .waitFor({ timeout: 60_000 });
      expect(await countIn('customer')).toBe(500);
    });
  });

  describe('activity', () => {
    test('a run is watched and cancelled, and what it left is removed', async () => {
      const before = await holdfast.stored();
      // Its lock keeps the dump waiting until it is cancelled.
      await using session = await server.session('shop');
      await session.query('begin; lock table note in access exclusive mode');
      await served.client(await served.token('ci', '--role', 'operator')).createBackup({ body: { source: 'shop' } });
      await visitor.goto('/activity');
      await page.getByRole('link', { name: /^Watch shop/ }).click();
      await page.getByRole('heading', { name: 'Backup of shop' }).waitFor();
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      const dialog = page.getByRole('dialog');
      expect(await accessibilityViolations(page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Cancel the run' }).click();
      await page.getByText('cancelled', { exact: true }).first().waitFor({ timeout: 60_000 });
      expect(await holdfast.stored()).toEqual(before);
    });

    test('runs are filtered by what they did and how they ended', async () => {
      await visitor.goto('/activity?operation=restore');
      const table = page.getByRole('table', { name: 'Ended' });
      await table.waitFor();
      const operations = await table.getByRole('link', { name: /^(Restore|Backup)$/ }).allInnerTexts();
      expect(new Set(operations)).toEqual(new Set(['Restore']));
      await visitor.goto('/activity?state=cancelled');
      await table.getByRole('link', { name: 'Backup', exact: true }).waitFor();
      expect(await table.getByRole('row').count()).toBe(2);
    });
  });

  test('alerts: a test message arrives, and its result is told', async () => {
    await visitor.goto('/alerts');
    await page.getByRole('button', { name: 'Send test' }).click();
    await page.getByText(/^Sent in/).waitFor();
    expect(receiver.requests.length).toBeGreaterThan(0);
  });

  test('alerts: why a message does not get through is told in the language of the reader', async () => {
    receiver.answer({ status: 503, body: 'down for repairs' });
    await page.evaluate("localStorage.setItem('holdfast-language', 'de')");
    await visitor.goto('/alerts');
    await page.getByRole('button', { name: 'Test senden' }).click();
    await page.getByText('Die Gegenstelle hat selbst eine Störung.').waitFor();
    const said = page.getByText('down for repairs');
    expect(await said.getAttribute('lang')).toBe('en');
    expect(await page.getByText('Warten Sie, oder sehen Sie auf ihrer Statusseite nach.').count()).toBe(1);
    expect(await accessibilityViolations(page)).toEqual([]);
    receiver.answer({ status: 200 });
    await page.evaluate("localStorage.setItem('holdfast-language', 'en')");
  });

  describe('access', () => {
    test('a token is shown once, works, and works no more when it is revoked', async () => {
      await visitor.goto('/access?show=tokens');
      await page.getByRole('button', { name: 'Make a token' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill('monitoring');
      await dialog.getByRole('radio', { name: /^Viewer/ }).click();
      await dialog.getByRole('button', { name: 'Make a token' }).click();
      const token = await dialog.getByRole('region', { name: 'the token' }).innerText();
      expect(await accessibilityViolations(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await dialog.getByRole('button', { name: 'I have copied it' }).click();
      await page.getByRole('cell', { name: 'monitoring', exact: true }).waitFor();
      const sources = await served.client(token.trim()).sources();
      expect(sources.map(({ name }) => name)).toEqual(['shop']);

      await page.reload();
      await page.getByRole('cell', { name: 'monitoring', exact: true }).waitFor();
      expect(await page.content()).not.toContain(token.trim());
      await page.getByRole('button', { name: 'Revoke monitoring' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      await page.getByRole('cell', { name: 'monitoring', exact: true }).waitFor({ state: 'detached' });
      await expect(served.client(token.trim()).sources()).rejects.toMatchObject({ code: 'TOKEN_WRONG' });
    });

    test('a second factor is set up and asked for at the next sign-in', async () => {
      await using other = await openBrowser(served.base);
      await enter(other.page, served.base, 'vic');
      await other.goto('/access');
      await other.page.getByRole('heading', { name: 'Your account' }).waitFor();
      expect(await other.page.getByRole('tab').count()).toBe(0);
      await other.page.getByRole('button', { name: 'Turn on' }).click();
      const dialog = other.page.getByRole('dialog');
      const secret = (await dialog.getByText(/^[A-Z2-7]{4}( [A-Z2-7]{4})+$/).innerText()).replaceAll(' ', '');
      const step = () => Math.floor(Date.now() / 30_000);
      const first = step();
      await dialog.getByLabel('Code of six digits').fill(codeAt(secret, first));
      await dialog.locator('input[type=password]').fill(password);
      expect(await accessibilityViolations(other.page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Confirm' }).click();
      await dialog.getByRole('button', { name: 'I have kept them' }).waitFor();
      const codes = await dialog.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
      expect(new Set(codes).size).toBe(10);
      expect(await accessibilityViolations(other.page)).toEqual([]);
      await dialog.getByRole('button', { name: 'I have kept them' }).click();
      await other.page.getByRole('button', { name: 'Turn off' }).waitFor();

      await other.page.getByRole('button', { name: 'Sign out' }).click();
      // It leads to the entrance by itself, and would break off another way there.
      await other.page.getByRole('button', { name: 'Sign in' }).waitFor();
      await enter(other.page, served.base, 'vic', '000000');
      await other.page.getByRole('alert').waitFor();
      // No code works twice, and the next one is taken as well.
      await other.page.getByLabel(/^Code of the authenticator/).fill(codeAt(secret, first + 1));
      await other.page.getByRole('button', { name: 'Sign in' }).click();
      await other.page.getByRole('heading', { name: 'Overview' }).waitFor();
      expect(other.complaints).toEqual([]);
    });

    test('a viewer finds neither restore nor settings nor audit', async () => {
      await using other = await openBrowser(served.base);
      const file = join(holdfast.folder, 'password');
      await holdfast.json('user', 'create', 'eve', '--role', 'viewer', '--password-file', file);
      await enter(other.page, served.base, 'eve');
      const links = await other.page.getByRole('navigation').first().getByRole('link').allInnerTexts();
      expect(links).not.toEqual(expect.arrayContaining(['Restore']));
      await other.goto('/restore');
      await other.page.getByText('Your role does not include this.').waitFor();
      await other.goto('/settings');
      await other.page.getByText('Your role does not include this.').waitFor();
    });

    test('users are added, changed and removed', async () => {
      await visitor.goto('/access?show=users');
      await page.getByRole('button', { name: 'Add user' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill('Bob!');
      await dialog.locator('input[type=password]').fill(password);
      await dialog.getByRole('button', { name: 'Add user' }).click();
      await dialog.getByRole('alert').getByText('This cannot be the name of a user.').waitFor();
      await dialog.getByLabel('Name').fill('bob');
      await dialog.getByRole('button', { name: 'Add user' }).click();
      const row = page.getByRole('row').filter({ hasText: 'bob' });
      await row.getByText('Viewer').waitFor();
      await page.getByRole('button', { name: 'Actions for bob' }).click();
      await page.getByRole('menuitem', { name: 'Change…' }).click();
      await dialog.getByRole('radio', { name: /^Operator/ }).click();
      await dialog.getByRole('button', { name: 'Save' }).click();
      await row.getByText('Operator').waitFor();
      await page.getByRole('button', { name: 'Actions for bob' }).click();
      await page.getByRole('menuitem', { name: 'Remove user' }).click();
      await dialog.getByRole('button', { name: 'Remove user' }).click();
      await row.waitFor({ state: 'detached' });
      const users = await holdfast.json<{ name: string }[]>('user', 'list');
      expect(users.map(({ name }) => name)).not.toContain('bob');
    });

    test('the audit log tells who did what, and can be searched', async () => {
      await visitor.goto('/audit');
      const table = page.getByRole('table', { name: 'Audit' });
      await table.getByText('Remove a user').first().waitFor();
      await page.getByRole('combobox', { name: 'What' }).click();
      await page.getByRole('option', { name: 'Restore', exact: true }).click();
      await table.getByText('Remove a user').first().waitFor({ state: 'detached' });
      expect(await table.getByRole('row').count()).toBe(5);
    });
  });

  test.each([
    ['/sources/nothing', 'Overview', '/'],
    ['/sources/nothing/2026-01-01_00-00-00', 'Overview', '/'],
    ['/sources/shop/2026-01-01_00-00-00', 'shop', '/sources/shop'],
    ['/activity/20260101-000000-abcdef', 'Activity', '/activity'],
  ])('what is not there is not asked for again: %s leads back to %s', async (path, name, to) => {
    await visitor.goto(path);
    const said = page.getByRole('alert');
    await said.waitFor();
    expect(await said.getByRole('button').count()).toBe(0);
    expect(await said.getByRole('link', { name, exact: true }).getAttribute('href')).toBe(to);
  });

  describe('settings', () => {
    test('B-13: a schedule is saved with its next times shown, and the comments of the file stay', async () => {
      const comment = '# nobody touches this line';
      await writeFile(holdfast.configFile, `${comment}\n${await readFile(holdfast.configFile, 'utf8')}`);
      await visitor.goto('/settings');
      const schedule = page.getByRole('region', { name: 'Schedule' });
      await schedule.getByRole('radio', { name: 'At certain times' }).click();
      await schedule.getByLabel('Times (cron)').fill('61 5 * * *');
      await schedule.getByText('That is no schedule yet').waitFor();
      await schedule.getByRole('button', { name: 'Save' }).click();
      await until(
        async () => (await schedule.getByLabel('Times (cron)').getAttribute('aria-invalid')) === 'true',
        'the error stands at its field',
      );
      await schedule.getByLabel('Times (cron)').fill('15 5 * * *');
      await schedule
        .getByText(/Europe\/Berlin/)
        .first()
        .waitFor();
      await schedule.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved.', { exact: true }).first().waitFor();
      const written = await readFile(holdfast.configFile, 'utf8');
      expect(written).toContain(comment);
      expect(written).toMatch(/schedule:\s+cron: 15 5 \* \* \*/);
      expect(written).not.toContain('retries');
    });

    /** The page may have found out by itself that the session is over, and then there is nothing to press. */
    const saveOrFindOut = async (form: Locator) => {
      await form
        .getByRole('button', { name: 'Save' })
        .click({ timeout: 3000 })
        .catch(() => undefined);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    };

    test('what was typed into settings is still there when the session ended before it was saved', async () => {
      await visitor.goto('/settings');
      const retention = page.getByRole('region', { name: 'Retention' });
      await retention.getByLabel('Maximum number of backups').fill('77');
      await visitor.context.clearCookies();
      await saveOrFindOut(retention);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0);
      await page.getByLabel('Name').fill('ada');
      await page.locator('input[type=password]:visible').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await retention.waitFor();
      expect(await retention.getByLabel('Maximum number of backups').inputValue()).toBe('77');
      await retention.getByRole('button', { name: 'Save' }).click();
      await until(async () => /last: 77/.test(await readFile(holdfast.configFile, 'utf8')), 'the file has it');
      await until(async () => (await retention.locator('[data-loading]').count()) === 0, 'it is saved');

      await retention.getByLabel('Maximum number of backups').fill('78');
      await visitor.context.clearCookies();
      await saveOrFindOut(retention);
      await page.getByLabel('Name').fill('uma');
      await page.locator('input[type=password]:visible').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor({ state: 'detached' });
      expect(await page.locator('input[value="78"]').count()).toBe(0);
      await visitor.context.clearCookies();
      await enter(page, served.base, 'ada');
      await visitor.goto('/settings');
    });

    test('B-13: the maximum number, and a passphrase that goes in and never comes out', async () => {
      const retention = page.getByRole('region', { name: 'Retention' });
      await retention.getByLabel('Maximum number of backups').fill('100');
      await retention.getByRole('button', { name: 'Save' }).click();
      await until(async () => /last: 100/.test(await readFile(holdfast.configFile, 'utf8')), 'the file has it');
      await page.getByRole('tab', { name: 'For all' }).click();
      const encryption = page.getByRole('tabpanel', { name: 'For all' }).getByRole('region', { name: 'Encryption' });
      await encryption.locator('input[type=password]').fill('a secret that is kept');
      await encryption.getByText('Without it nobody can restore').waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
      await encryption.getByRole('button', { name: 'Save' }).click();
      await encryption.getByText('A passphrase is set.').waitFor();
      // While it comes into effect: the page is answered, and knows of no lost connection.
      await page.reload();
      await encryption.getByText('A passphrase is set.').waitFor();
      expect(await page.content()).not.toContain('a secret that is kept');
      expect(await page.getByText('Connection lost').count()).toBe(0);
    });

    test('all that is wrong is told at once, beside each field and in the language of the reader', async () => {
      await page.evaluate("localStorage.setItem('holdfast-language', 'de')");
      await visitor.goto('/settings');
      const retention = page.getByRole('region', { name: 'Aufbewahrung' });
      await retention.getByLabel('Höchste Zahl von Sicherungen').fill('-3');
      await retention.getByLabel('Alles, was jünger ist als').fill('bald');
      await retention.getByRole('button', { name: 'Speichern' }).click();
      await retention.getByText('Es muss eine ganze Zahl von 1 bis 1000000 sein.').waitFor();
      await retention.getByText('Es muss eine Dauer sein, etwa 30m, 24h oder 7d.').waitFor();
      expect(await retention.getByText(/must be/).count()).toBe(0);
      await page.evaluate("localStorage.setItem('holdfast-language', 'en')");
    });

    test('how the dump is written can be chosen', async () => {
      await visitor.goto('/settings');
      const dump = page.getByRole('region', { name: 'Dump' });
      await dump.getByRole('combobox', { name: 'Format' }).click();
      await page.getByRole('option', { name: /^Directory/ }).click();
      await dump.getByLabel('Compression').fill('zstd:99');
      await dump.getByRole('button', { name: 'Save' }).click();
      await dump.getByText(/must be from 1 to 22/).waitFor();
      expect(await readFile(holdfast.configFile, 'utf8')).not.toContain('zstd');
      await dump.getByLabel('Compression').fill('zstd:3');
      await dump.getByRole('button', { name: 'Save' }).click();
      await until(async () => {
        const written = await readFile(holdfast.configFile, 'utf8');
        return /format: directory/.test(written) && /compression: zstd:3/.test(written);
      }, 'the file has both');
    });

    test('a channel is added, tried, changed and removed; an address that is there is never shown, and stays', async () => {
      await visitor.goto('/settings?show=all');
      const channels = page.getByRole('region', { name: 'Channels' });
      const dialog = page.getByRole('dialog');
      await channels.getByRole('button', { name: 'Add a channel' }).click();
      await dialog.getByRole('combobox', { name: 'Kind' }).click();
      await page.getByRole('option', { name: 'Webhook' }).click();
      await dialog.getByLabel('Name').fill('builds');
      expect(await dialog.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
      await dialog.getByLabel('Address').fill('not an address');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog
        .getByRole('alert')
        .getByText(/must be an address/i)
        .waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
      await dialog.getByLabel('Address').fill(`${receiver.url}/builds-token`);
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.waitFor({ state: 'detached' });

      const attempt = channels.getByRole('button', { name: 'Send test: builds' });
      await until(() => attempt.isEnabled(), 'the new channel is in effect');
      const before = receiver.requests.length;
      await attempt.click();
      await channels.getByText(/^Sent in/).waitFor();
      expect(receiver.requests.slice(before).map(({ url }) => url)).toEqual(['/builds-token']);

      await channels.getByRole('button', { name: 'Change: builds' }).click();
      await dialog.getByText('There is one. Leave this empty to keep it.').first().waitFor();
      expect(await page.content()).not.toContain('builds-token');
      await dialog.getByLabel('Name').fill('pipelines');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await channels.getByRole('button', { name: 'Send test: pipelines' }).waitFor();
      const written = await readFile(holdfast.configFile, 'utf8');
      expect(written).toContain('/builds-token');
      expect(written).toContain('name: pipelines');

      await channels.getByRole('button', { name: 'Remove: pipelines' }).click();
      await dialog.getByRole('button', { name: 'Remove' }).click();
      await channels.getByText('pipelines').waitFor({ state: 'detached' });
      const after = await readFile(holdfast.configFile, 'utf8');
      expect(after).not.toContain('builds-token');
      expect(after).toContain(`${receiver.url}/hook`);
    });
  });

  describe('every page', () => {
    const paths = ['/restore', '/activity', '/alerts', '/access', '/access?show=users', '/access?show=tokens'];
    const more = ['/audit', '/settings', '/settings?show=all'];

    test.each(['light', 'dark'] as const)('can be used by everybody (axe), %s', async (scheme) => {
      await page.evaluate(`localStorage.setItem('mantine-color-scheme-value', '${scheme}')`);
      for (const path of [...paths, ...more]) {
        await visitor.goto(path);
        expect(await accessibilityViolations(page), path).toEqual([]);
      }
    });

    test('fits a narrow screen, in German', async () => {
      await page.setViewportSize({ width: 360, height: 740 });
      await page.evaluate("localStorage.setItem('holdfast-language', 'de')");
      for (const path of [...paths, ...more]) {
        await visitor.goto(path);
        await settled(page);
        const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        expect(over, path).toBe(0);
      }
    });

    test('breaks no policy and throws no error', () => {
      expect(visitor.complaints).toEqual([]);
    });
  });

  async function countIn(table: string, database = 'shop'): Promise<number> {
    const [row] = await server.sql<{ count: string }>(database, `select count(*) from ${table}`);
    return Number(row?.count);
  }
});

async function enter(page: Page, base: string, name: string, code?: string): Promise<void> {
  await page.goto(base);
  await page.getByLabel('Name').fill(name);
  await page.locator('input[type=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  if (code === undefined) {
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    return;
  }
  await page.getByLabel(/^Code of the authenticator/).fill(code);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
