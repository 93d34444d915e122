import { readFile, writeFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { serveHoldfast } from '../support/api.ts';
import { accessibilityViolations, buildConsole, chromiumProgram, openBrowser } from '../support/browser.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { freePort } from '../support/loopback.ts';
import { startSignInProvider } from '../support/sign-in-provider.ts';
import { until } from '../support/until.ts';

async function open() {
  buildConsole();
  await using doors = new AsyncDisposableStack();
  const port = await freePort();
  const provider = doors.use(await startSignInProvider(`http://127.0.0.1:${port}/api/v1/session/callback`));
  provider.people.set('ada', { groups: ['admins'], email: 'ada@example.com' });
  provider.people.set('eve', { groups: ['strangers'], email: 'eve@example.com' });
  const { clientId, clientSecret } = provider.client;
  const company = { name: 'Company', issuer: provider.issuer, clientId, clientSecret, admins: ['admins'] };
  const holdfast = doors.use(
    await installHoldfast({
      url: 'postgres://nobody@127.0.0.1:9/shop',
      top: { server: { listen: `127.0.0.1:${port}`, provider: company } },
    }),
  );
  const file = `${holdfast.folder}/password`;
  await writeFile(file, 'correct horse battery staple\n', { mode: 0o600 });
  await holdfast.json('user', 'create', 'root', '--role', 'admin', '--password-file', file);
  const served = doors.use(await serveHoldfast(holdfast));
  const visitor = doors.use(await openBrowser(served.base));
  const kept = doors.move();
  return { holdfast, served, visitor, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The pages of the provider, until one is sent back. */
async function signInAs(page: Page, login: string): Promise<void> {
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.locator('form[action$=confirm], form').first().waitFor();
  await page.getByRole('button', { name: /continue/i }).click();
}

describe.skipIf(chromiumProgram() === null)('sign-in by a provider, in the console (skipped without chromium)', () => {
  test('leads back to where one was, with what was typed there', { timeout: 240_000 }, async () => {
    await using opened = await open();
    const { holdfast, served, visitor } = opened;
    const { page } = visitor;
    await page.goto(`${served.base}/settings`);
    await page.getByRole('link', { name: 'Sign in with Company' }).click();
    await signInAs(page, 'ada');
    const retention = page.getByRole('region', { name: 'Retention' });
    await retention.waitFor();
    expect(new URL(page.url()).pathname).toBe('/settings');

    await retention.getByLabel('Maximum number of backups').fill('77');
    await visitor.context.clearCookies();
    await retention.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByText('What you typed stays here and goes on').waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    const opening = visitor.context.waitForEvent('page');
    await page.getByRole('link', { name: 'Sign in with Company' }).click();
    const tab = await opening;
    await signInAs(tab, 'ada');
    await retention.waitFor();
    expect(await retention.getByLabel('Maximum number of backups').inputValue()).toBe('77');
    await tab.getByText('The page you came from goes on in its own tab.').waitFor();
    await page.bringToFront();
    await retention.getByRole('button', { name: 'Save' }).click();
    await until(async () => /last: 77/.test(await readFile(holdfast.configFile, 'utf8')), 'the file has it');
    expect(visitor.complaints).toEqual([]);
  });

  test('says why somebody is not let in', { timeout: 240_000 }, async () => {
    await using opened = await open();
    const { served, visitor } = opened;
    const { page } = visitor;
    await page.goto(served.base);
    await page.getByRole('link', { name: 'Sign in with Company' }).click();
    await signInAs(page, 'eve');
    await page.getByText('You are in none of the groups that are let in.').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    // Whoever made the address chose the word.
    await page.goto(`${served.base}/?problem=CALL_MR_X_NOW`);
    await page.getByText('The sign-in came to nothing.').waitFor();
  });
});
