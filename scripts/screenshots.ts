/**
 * Pictures of every page of the console, with real data in it: `node scripts/screenshots.ts FOLDER [en|de] [light|dark] [wide|narrow]`.
 * Without a choice, all of them are taken.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyPort, serveHoldfast } from '../test/support/api.ts';
import { buildConsole, openBrowser, settled } from '../test/support/browser.ts';
import { installHoldfast } from '../test/support/holdfast.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { fillShop } from '../test/support/shop.ts';

const [folder = 'screenshots', ...chosen] = process.argv.slice(2);
const password = 'correct horse battery staple';
const pick = <T extends string>(all: readonly T[]) => {
  const wanted = all.filter((each) => chosen.includes(each));
  return wanted.length === 0 ? all : wanted;
};

await mkdir(folder, { recursive: true });
buildConsole();
await using server = await startPostgres();
await server.createDatabase('shop');
await fillShop(server, 'shop', { rows: 4000 });
await using holdfast = await installHoldfast({
  url: server.url('shop'),
  top: {
    server: anyPort,
    instance: 'web-1',
    timezone: 'Europe/Berlin',
    sources: {
      shop: {
        database: { url: server.url('shop') },
        storages: ['local', 'offsite'],
        schedule: { cron: '15 5 * * *' },
        retention: { last: 30, daily: 7, weekly: 4 },
        drill: { every: '7d', target: 'same' },
      },
      blog: { database: { url: server.url('blog') }, storages: ['local'], schedule: { cron: '30 3 * * *' } },
    },
    storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
    alerts: {
      channels: [
        { type: 'webhook', name: 'pipelines', url: 'http://127.0.0.1:9/hook' },
        { type: 'ntfy', topic: 'backups' },
      ],
    },
  },
});
const file = join(holdfast.folder, 'password');
await writeFile(file, `${password}\n`, { mode: 0o600 });
await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', file);
for (const description of ['first', 'before the move', 'after the move', 'nightly']) {
  await holdfast.json('backup', 'shop', '--description', description);
  await server.sql('shop', 'insert into shop.customer select * from shop.customer limit 0').catch(() => undefined);
}
await holdfast.run('backup', 'blog');
await holdfast.run('drill', 'latest', '--source', 'shop');
const [backup] = await holdfast.json<{ id: string }[]>('list', 'shop');
const [run] = await holdfast.json<{ id: string }[]>('runs', '--source', 'shop');
await holdfast.json('token', 'create', 'ci', '--role', 'operator', '--expires', '90d');
await using served = await serveHoldfast(holdfast);
// Now, when there is a daemon to be seen.
await holdfast.run('check');

const pages = [
  ['overview', '/'],
  ['source', '/sources/shop'],
  ['backup', `/sources/shop/${backup?.id ?? ''}`],
  ['restore', '/restore?source=shop'],
  ['activity', '/activity'],
  ['run', `/activity/${run?.id ?? ''}`],
  ['alerts', '/alerts'],
  ['settings', '/settings?source=shop'],
  ['settings-all', '/settings?show=all'],
  ['access', '/access?show=tokens'],
  ['audit', '/audit'],
] as const;
const sizes = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };

for (const language of pick(['en', 'de'] as const)) {
  for (const scheme of pick(['light', 'dark'] as const)) {
    for (const size of pick(['wide', 'narrow'] as const)) {
      await using visitor = await openBrowser(served.base, { viewport: sizes[size], colorScheme: scheme });
      const { page } = visitor;
      await page.goto(served.base);
      await page.evaluate(`localStorage.setItem('holdfast-language', '${language}')`);
      await page.reload();
      const shoot = async (name: string) => {
        await page.evaluate('scrollTo(0, 0)');
        await settled(page);
        const path = join(folder, `${name}-${language}-${scheme}-${size}.png`);
        await page.screenshot({ path, fullPage: true });
      };
      await page.locator('input[type=password]').waitFor();
      await shoot('entry');
      await page.locator('input').first().fill('ada');
      await page.locator('input[type=password]').fill(password);
      await page.keyboard.press('Enter');
      await page.locator('nav').first().waitFor({ state: 'attached' });
      for (const [name, path] of pages) {
        await visitor.goto(path);
        await shoot(name);
        if (name !== 'restore') continue;
        await page.getByRole('radio').first().click();
        await page.getByRole('button', { name: /^(Check|Prüfen)$/ }).click();
        await page.getByRole('list', { name: /^(Checks|Prüfungen)$/ }).waitFor();
        await shoot('restore-checks');
      }
      if (visitor.complaints.length > 0) console.error(visitor.complaints);
    }
  }
}
