import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { accessibilityViolations, buildConsole, chromiumProgram, openBrowser } from '../support/browser.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { killInSwap, startSmallShop } from '../support/killed-swap.ts';
import { hasMysql } from '../support/mysql-server.ts';

const password = 'correct horse battery staple';
const missing = chromiumProgram() === null || !hasMysql();

describe.skipIf(missing)('a swap that was cut off, in the console (skipped without chromium or MariaDB)', () => {
  test('S14 the run that came upon it offers to take it back, once', { timeout: 240_000 }, async () => {
    buildConsole();
    await using server = await startSmallShop();
    await using holdfast = await installHoldfast({
      url: server.url('shop'),
      top: { server: anyPort, scheduler: { enabled: false } },
    });
    const file = join(holdfast.folder, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', file);
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', 'INSERT INTO customer VALUES (2)');
    await killInSwap(server, holdfast, id);
    expect((await holdfast.run('backup')).status).not.toBe(0);
    const [failed] = await holdfast.json<{ id: string }[]>('runs');

    await using served = await serveHoldfast(holdfast);
    await using visitor = await openBrowser(served.base);
    const { page } = visitor;
    await page.goto(served.base);
    await page.getByLabel('Name').fill('ada');
    await page.locator('input[type=password]').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await visitor.goto(`/activity/${failed?.id ?? ''}`);
    await page.getByText('A restore was cut off in the middle of its swap').waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Go back' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('shop');
    await dialog.getByRole('button', { name: 'Go back' }).click();
    await page.getByText('Back to the state before the restore').waitFor();
    expect(await server.sql('shop', 'SELECT * FROM customers ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);

    await visitor.goto(`/activity/${failed?.id ?? ''}`);
    await page.getByText('That was taken back.').waitFor();
    expect(await page.getByRole('button', { name: 'Go back' }).count()).toBe(0);
    // Whoever still has the old page open changes nothing.
    const again = await fetch(`${served.base}/api/v1/restores/undo?wait=60s`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await served.token('ci', '--role', 'admin')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ source: 'shop', unfinished: true, confirm: 'shop' }),
    });
    expect(JSON.stringify(await again.json())).toContain('NO_WAY_BACK');
    expect(await server.sql('shop', 'SELECT * FROM customers ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(visitor.complaints).toEqual([]);
  });
});
