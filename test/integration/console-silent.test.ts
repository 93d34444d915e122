import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { buildConsole, chromiumProgram, openBrowser } from '../support/browser.ts';
import { faultProxy } from '../support/fault-proxy.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery staple';

async function installShop(): Promise<Installation> {
  const holdfast = await installHoldfast({
    url: '',
    top: { server: anyPort, sources: { shop: { database: { engine: 'sqlite', path: './shop.db' } } } },
  });
  runIn(join(holdfast.folder, 'shop.db'), 'create table items (name text)');
  await writeFile(join(holdfast.folder, 'password'), `${password}\n`, { mode: 0o600 });
  await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', 'password');
  await holdfast.json('backup');
  return holdfast;
}

/** Passes connections on; those with events fall silent without being closed, as where a network was left or a tunnel has died. */
async function passage(to: string): Promise<AsyncDisposable & { base: string; fallSilent(): void }> {
  const open = new Set<Socket>();
  const withEvents = new Set<Socket>();
  const { hostname, port } = new URL(to);
  const server = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const each of [socket, onward]) {
      open.add(each);
      each.on('error', () => undefined).once('close', () => open.delete(each));
    }
    socket.on('data', (bytes: Buffer) => {
      if (bytes.includes('GET /api/v1/events')) withEvents.add(onward);
    });
    socket.pipe(onward).pipe(socket);
    socket.once('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fallSilent: () => {
      for (const socket of withEvents) socket.unpipe().pause();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(chromiumProgram() === null)('events that do not come (skipped without chromium)', () => {
  test(
    'B-d11: of a connection that fell silent nobody waits for news: it is made anew',
    { timeout: 240_000 },
    async () => {
      buildConsole();
      await using holdfast = await installShop();
      await using served = await serveHoldfast(holdfast);
      await using way = await passage(served.base);
      await using visitor = await openBrowser(way.base);
      const { page } = visitor;
      await page.clock.install();
      await page.goto(way.base);
      await signIn();
      await visitor.goto('/sources/shop');
      const rows = page.getByRole('table', { name: 'Backups' }).locator('tbody tr');
      await until(async () => (await rows.count()) === 1, 'the first backup is listed');
      way.fallSilent();
      await holdfast.json('backup');
      await page.clock.fastForward(60_000);
      await until(async () => (await rows.count()) === 2, 'the second backup is listed');
      await holdfast.json('backup');
      await until(async () => (await rows.count()) === 3, 'the third one comes with the new connection');
      expect(visitor.complaints).toEqual([]);

      async function signIn(): Promise<void> {
        await page.getByLabel('Name').fill('ada');
        await page.locator('input[type=password]').fill(password);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Overview' }).waitFor();
      }
    },
  );

  test(
    'behind a proxy that keeps events to itself, a page says that none come, and asks',
    { timeout: 240_000 },
    async () => {
      buildConsole();
      await using holdfast = await installShop();
      await using served = await serveHoldfast(holdfast);
      await using proxy = await faultProxy(served.base);
      proxy.set({ path: '/api/v1/events', fault: { kind: 'hang' } });
      await using visitor = await openBrowser(proxy.url);
      const { page } = visitor;
      await page.clock.install();
      await page.goto(proxy.url);
      await page.getByLabel('Name').fill('ada');
      await page.locator('input[type=password]').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.clock.fastForward(60_000);
      await page.getByText('Connection lost').waitFor();
      expect(visitor.complaints).toEqual([]);
    },
  );

  test(
    'a page that is asked for while nothing answers does not lead to the page of the browser, and comes by itself',
    { timeout: 240_000 },
    async () => {
      buildConsole();
      await using holdfast = await installShop();
      await using served = await serveHoldfast(holdfast);
      await using proxy = await faultProxy(served.base);
      await using visitor = await openBrowser(proxy.url);
      const { page } = visitor;
      await page.goto(proxy.url);
      await page.getByLabel('Name').fill('ada');
      await page.locator('input[type=password]').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      proxy.set({ fault: { kind: 'reset' } });
      await page.getByRole('link', { name: 'Settings' }).click();
      await page.getByRole('button', { name: 'Try again' }).waitFor();
      expect(await page.getByRole('link', { name: 'Overview' }).isVisible(), 'the menu is there').toBe(true);
      proxy.set();
      await page.getByRole('heading', { name: 'Settings', level: 2 }).waitFor();
    },
  );
});
