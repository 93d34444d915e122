import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import {
  accessibilityViolations,
  buildConsole,
  chromiumProgram,
  openBrowser,
  settled,
  type Visitor,
} from '../support/browser.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery staple';
const passphrase = 'a passphrase of another time';
const missing = chromiumProgram() === null;

interface Focused {
  name: string;
  tag: string;
  inMain: boolean;
  shown: boolean;
  top: number;
}

/** What has the focus, and whether anybody can see that it has. */
const lookAtFocus = `(() => {
  const at = document.activeElement;
  const looks = () => {
    // Colours that pass into one another are at their end.
    getComputedStyle(at.parentElement ?? at).borderColor + getComputedStyle(at).borderColor;
    for (const each of document.getAnimations()) if (each.effect?.getTiming().iterations !== Infinity) each.finish();
    const of = [at, at.labels?.[0], at.nextElementSibling, at.parentElement, at.parentElement?.parentElement].filter(Boolean).map((each) => getComputedStyle(each));
    return of.map(({ outlineStyle, outlineWidth, outlineColor, borderColor, boxShadow, backgroundColor, transform }) =>
      [outlineStyle, outlineStyle === 'none' ? '' : outlineWidth + outlineColor, borderColor, boxShadow, backgroundColor, transform].join(' ')).join('|');
  };
  const withIt = looks();
  const style = getComputedStyle(at);
  at.blur();
  const without = looks();
  at.focus({ preventScroll: true });
  const text = at.getAttribute('aria-label') ?? at.labels?.[0]?.innerText ?? at.innerText ?? '';
  const box = at.getBoundingClientRect();
  return {
    name: text.trim(),
    tag: at.tagName,
    inMain: at.closest('main') !== null,
    shown: withIt !== without || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0),
    top: box.top,
  };
})()`;

describe.skipIf(missing)('the console by keyboard alone (skipped without chromium)', () => {
  const doors = new AsyncDisposableStack();
  let server: TestPostgres;
  let served: Served;
  let visitor: Visitor;
  let page: Page;

  beforeAll(async () => {
    buildConsole();
    server = doors.use(await startPostgres());
    await server.createDatabase('shop');
    await server.sql('shop', 'create table customer (id int); insert into customer select generate_series(1, 200)');
    const url = server.url('shop');
    const holdfast = doors.use(await installHoldfast({ url, top: { server: anyPort, encryption: { passphrase } } }));
    const file = join(holdfast.folder, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', file);
    await holdfast.json('backup', '--description', 'of another time');
    // The machine forgets the passphrase.
    const text = await readFile(holdfast.configFile, 'utf8');
    await writeFile(holdfast.configFile, text.replace(/encryption:\n\s+passphrase: .*\n/, ''));
    served = doors.use(await serveHoldfast(holdfast));
    visitor = doors.use(await openBrowser(served.base));
    page = visitor.page;
  }, 240_000);
  afterAll(() => doors.disposeAsync());

  /** Goes on to what is called so; on the way, the focus must never be lost from sight. */
  async function tabTo(name: RegExp | string): Promise<Focused> {
    const passed: string[] = [];
    for (let steps = 0; steps < 60; steps += 1) {
      await page.keyboard.press('Tab');
      const focused = (await page.evaluate(lookAtFocus)) as Focused;
      if (focused.tag === 'BODY') continue;
      passed.push(focused.name);
      expect(focused.shown, `nobody can see that ${focused.tag} ${focused.name} has the focus`).toBe(true);
      if (typeof name === 'string' ? focused.name === name : name.test(focused.name)) return focused;
    }
    throw new Error(`nothing is called ${String(name)} among: ${passed.join(', ')}`);
  }

  const inMain = async () => ((await page.evaluate(lookAtFocus)) as Focused).inMain;
  const countIn = async () =>
    (await server.sql<{ n: number }>('shop', 'select count(*)::int as n from customer'))[0]?.n;

  test('signs in, backs up, opens the backup and restores it', async () => {
    await page.goto(served.base);
    await page.getByLabel('Name').waitFor();
    if ((await page.evaluate('document.activeElement.tagName')) !== 'INPUT') await tabTo(/^Name/);
    await page.keyboard.type('ada');
    await tabTo(/^Password/);
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await settled(page);

    // Past the menu with one key.
    const skip = await tabTo(/^Skip/);
    expect(skip.top).toBeGreaterThanOrEqual(0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(lookAtFocus)).toMatchObject({ inMain: true });

    await tabTo('shop');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'shop', level: 2 }).waitFor();
    await settled(page);
    await tabTo('Back up now');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await until(
      async () => (await page.evaluate('document.activeElement.tagName')) === 'INPUT',
      'the dialog takes the focus',
    );
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const row = page.getByRole('row').filter({ hasText: 'by keyboard' });
    await row.waitFor({ timeout: 60_000 });
    await settled(page);
    // Where one was before, not at the beginning of the page.
    await until(inMain, 'the focus is where it was before');

    await server.sql('shop', 'delete from customer');
    const link = await row.getByRole('link').first().innerText();
    await tabTo(link);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^Backup of/, level: 2 }).waitFor();
    await settled(page);
    await tabTo(/^Restore/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Check', exact: true }).waitFor();
    await settled(page);
    await tabTo('Check');
    await page.keyboard.press('Enter');
    await page.getByLabel('To go on, type').waitFor();
    await tabTo(/^To go on, type/);
    await page.keyboard.type('shop');
    await page.keyboard.press('Enter');
    await page.getByText('Restored and compared').waitFor({ timeout: 60_000 });
    expect(await countIn()).toBe(200);
  });

  test('menus open, are walked through and closed by keys', async () => {
    await page.goto(`${served.base}/sources/shop`);
    await page.getByRole('heading', { name: 'shop', level: 2 }).waitFor();
    await settled(page);
    await tabTo(/^(More|Actions)$/);
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await until(inMain, 'the focus is where it was before');
    expect(await page.evaluate(lookAtFocus)).toMatchObject({ tag: 'BUTTON', name: 'Actions', shown: true });
  });

  test('S26: a backup of another time asks for its password; a wrong one is told, and the right one restores it', async () => {
    await server.sql('shop', 'delete from customer');
    await visitor.goto('/restore');
    await page.getByRole('radio', { name: /of another time/ }).click();
    const field = page.getByLabel('Password of this backup');
    expect(await field.count()).toBe(0);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByRole('alert').getByText('KEY_NEEDED').waitFor();
    await field.fill('not this one');
    await field.press('Enter');
    await page.getByRole('alert').getByText('PASSPHRASE_WRONG').waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await field.fill(passphrase);
    await field.press('Enter');
    await page.getByLabel('To go on, type').fill('shop');
    await page.getByRole('button', { name: 'Restore now' }).click();
    await page.getByText('Restored and compared').waitFor({ timeout: 60_000 });
    expect(await countIn()).toBe(200);
    expect(visitor.complaints).toEqual([]);
  });
});
