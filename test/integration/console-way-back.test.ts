import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { accessibilityViolations, buildConsole, chromiumProgram, openBrowser } from '../support/browser.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { killInSwap, startSmallShop } from '../support/killed-swap.ts';
import { hasMysql } from '../support/mysql-server.ts';
import { makeAppFolder, nocobaseTables, usualShape } from '../support/nocobase-app.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const password = 'correct horse battery staple';
const noBrowser = chromiumProgram() === null;

describe.skipIf(noBrowser || !hasMysql())(
  'a swap that was cut off, in the console (skipped without chromium or MariaDB)',
  () => {
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
  },
);

describe.skipIf(noBrowser)('the way back, in the console (skipped without chromium)', () => {
  test(
    'B-12: under an application that runs it is refused with the reason, and gone all the same by who says so',
    { timeout: 240_000 },
    async () => {
      buildConsole();
      await using server = await startPostgres();
      await server.createDatabase('nb');
      const files = [{ table: 'attachments', path: '', filename: 'a.txt', size: 5, storageId: 1 }];
      for (const statement of nocobaseTables(usualShape, { files })) await server.sql('nb', statement);
      await using folder = await temporaryFolder();
      const { path } = await makeAppFolder(join(folder.path, 'app'), { files: { 'storage/uploads/a.txt': 'aaaaa' } });
      const uploaded = () => readFile(join(path, 'storage/uploads/a.txt'), 'utf8');
      await using holdfast = await installHoldfast({
        url: server.url('nb'),
        source: 'nb',
        settings: { app: { kind: 'nocobase', path }, encryption: { passphrase: 'a long enough passphrase' } },
        top: { server: anyPort, scheduler: { enabled: false } },
      });
      const file = join(holdfast.folder, 'password');
      await writeFile(file, `${password}\n`, { mode: 0o600 });
      await holdfast.json('user', 'create', 'ada', '--role', 'operator', '--password-file', file);
      await holdfast.json('backup');
      await writeFile(join(path, 'storage/uploads/a.txt'), 'changed');
      const { run } = await holdfast.json<{ run: string }>('restore', 'latest', '--yes', '--keep-old');
      expect(await uploaded()).toBe('aaaaa');
      // What a NocoBase that runs holds open.
      const running = createServer().listen(join(path, 'storage/gateway.sock'));
      try {
        await using served = await serveHoldfast(holdfast);
        await using visitor = await openBrowser(served.base, { locale: 'de-DE' });
        const { page } = visitor;
        await page.goto(served.base);
        await page.getByLabel('Name').fill('ada');
        await page.locator('input[type=password]').fill(password);
        await page.getByRole('button', { name: 'Anmelden' }).click();
        await page.getByRole('heading', { name: 'Übersicht' }).waitFor();
        await visitor.goto(`/activity/${run}`);
        await page.getByRole('button', { name: 'Zurückgehen' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('textbox').fill('nb');
        await dialog.getByRole('button', { name: 'Zurückgehen' }).click();
        await dialog.getByText('Die Anwendung läuft').waitFor();
        expect(await accessibilityViolations(page)).toEqual([]);
        expect(await uploaded(), 'nothing was touched').toBe('aaaaa');
        await dialog.getByRole('button', { name: 'Trotzdem weitermachen' }).click();
        await page.getByText('Zurück auf dem Stand vor der Wiederherstellung').waitFor();
        expect(await uploaded()).toBe('changed');
        expect(visitor.complaints).toEqual([]);
      } finally {
        running.close();
      }
    },
  );
});
