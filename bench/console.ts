import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { openCatalog } from '../src/catalog/sqlite/sqlite-catalog.ts';
import { anyPort, serveHoldfast } from '../test/support/api.ts';
import { buildConsole, chromiumProgram, openBrowser } from '../test/support/browser.ts';
import { fillHistory } from '../test/support/history.ts';
import { installHoldfast } from '../test/support/holdfast.ts';
import { median } from './measure.ts';
import type { Finding } from './report.ts';

const visits = 7;
const sources = 50;
const backups = 10_000;
const boundSeconds = 1.5;

/** From an address that is typed until somebody can press a button: each time a browser that has never been there, signed in. */
export async function benchmarkConsole(): Promise<Finding[]> {
  if (chromiumProgram() === null) {
    console.error('console left out: chromium not found');
    return [];
  }
  buildConsole();
  const url = 'postgres://nobody@127.0.0.1:1/nothing';
  const named = Array.from({ length: sources }, (_, number) => [
    `source-${number}`,
    { database: { url }, storages: ['local', 'offsite'] },
  ]);
  await using holdfast = await installHoldfast({
    url,
    top: {
      sources: Object.fromEntries(named) as object,
      storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
      server: anyPort,
    },
  });
  // Where backups were, a folder that is missing would be a disk that is not mounted.
  for (const folder of ['backups', 'offsite']) await mkdir(join(holdfast.folder, folder), { mode: 0o700 });
  {
    using catalog = openCatalog(holdfast.state, systemClock);
    fillHistory(catalog, { sources, runs: backups, backups });
  }
  const password = 'correct horse battery staple';
  const file = join(holdfast.folder, 'password');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', file);
  await using served = await serveHoldfast(holdfast);
  await using visitor = await openBrowser(served.base);
  const { page, context } = visitor;
  await page.goto(served.base);
  await page.getByLabel('Name').fill('ada');
  await page.locator('input[type=password]').fill(password);
  await page.keyboard.press('Enter');
  const usable = /source-0$/;
  await page.getByRole('button', { name: usable }).waitFor();
  const state = await context.storageState();
  const seconds: number[] = [];
  for (let visit = 0; visit < visits; visit += 1) {
    const fresh = await context.browser()?.newContext({ storageState: state, locale: 'en-GB' });
    if (!fresh) throw new Error('the browser has ended');
    const first = await fresh.newPage();
    const started = performance.now();
    await first.goto(served.base, { waitUntil: 'commit' });
    await first.getByRole('button', { name: usable }).click({ trial: true });
    seconds.push((performance.now() - started) / 1000);
    await fresh.close();
  }
  const took = median(seconds.slice(1));
  const [load = 0] = loadavg();
  const busy = load > availableParallelism();
  return [
    {
      group: `console, ${sources} sources, ${backups} backups`,
      name: `first visit until the overview can be used${busy ? ` (on a machine with a load of ${load.toFixed(1)}: told, not judged)` : ''}`,
      seconds: took,
      measured: `${took.toFixed(2)} s`,
      bound: `<= ${boundSeconds} s`,
      ...(busy ? {} : { ok: took <= boundSeconds }),
    },
  ];
}
