import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { buildConsole, chromiumProgram, openBrowser, settled } from '../support/browser.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';

const password = 'correct horse battery staple';
const source = 'production_customers_and_orders_of_the_western_region_2026_x';
const storage = 'offsite_storage_of_the_western_region_with_a_very_long_name';
const file = 'a_very_long_file_name_without_any_space_in_it_at_all_0123456789.db';
const phone = { width: 390, height: 844 };

describe.skipIf(chromiumProgram() === null)('names as long as they may be (skipped without chromium)', () => {
  test('stay on their cards and pages, on a phone as well', { timeout: 240_000 }, async () => {
    buildConsole();
    await using holdfast = await installHoldfast({
      url: '',
      top: {
        server: anyPort,
        sources: { [source]: { database: { engine: 'sqlite', path: `./${file}` }, storages: ['local', storage] } },
        storages: { local: { type: 'local', path: './backups' }, [storage]: { type: 'local', path: './offsite' } },
      },
    });
    runIn(join(holdfast.folder, file), 'create table items (name text)');
    const { id } = await holdfast.json<{ id: string }>('backup', '--description', 'W'.repeat(120));
    const passwordFile = join(holdfast.folder, 'password');
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', passwordFile);
    await using served = await serveHoldfast(holdfast);
    await using visitor = await openBrowser(served.base, { viewport: phone });
    const { page } = visitor;
    await page.goto(served.base);
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    for (const path of ['/', `/sources/${source}`, `/sources/${source}/${id}`]) {
      await visitor.goto(path);
      await page.getByText(source).first().waitFor();
      await settled(page);
      const beyond = await page.evaluate(
        `[...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > innerWidth).map((element) => element.textContent)`,
      );
      expect(beyond, path).toEqual([]);
      const cut = await page.evaluate(
        `[...document.querySelectorAll('main article, main a')].filter((element) => element.scrollWidth > element.clientWidth && element.clientWidth > 0).map((element) => element.textContent)`,
      );
      expect(cut, path).toEqual([]);
    }
    expect(visitor.complaints).toEqual([]);
  });
});
