import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { until } from './until.ts';
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

const root = join(import.meta.dirname, '../..');

/** Debian's; null where there is none. */
export function chromiumProgram(): string | null {
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path)) ?? null;
}

/** Builds `dist/` when the console there is older than its source. */
export function buildConsole(): void {
  // Only the whole build compresses; Vite alone, in somebody's hands, does not.
  const built = join(root, 'dist/ui/icon.svg.br');
  if (existsSync(built) && statSync(built).mtimeMs > newestIn(join(root, 'ui'))) return;
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/build.ts')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the console could not be built:\n${stderr}`);
}

export interface Visitor extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** What the browser complained about: broken policies, errors of scripts. */
  complaints: string[];
  goto(path: string): Promise<void>;
}

/** Somebody with a browser of their own. */
export async function openBrowser(base: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const executablePath = chromiumProgram();
  if (executablePath === null) throw new Error('there is no Chromium: apt-get install chromium');
  // Root has no sandbox in a container.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  // What fades in has no contrast as long as it does.
  const usual = { locale: 'en-GB', viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' } as const;
  const context = await browser.newContext({ ...usual, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // Answers such as 401 before one has signed in are part of the conversation.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  return {
    page,
    context,
    complaints,
    goto: async (path) => {
      await page.goto(base + path);
      await page.getByRole('heading', { level: 2 }).first().waitFor();
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** What stands in the way of people who see, hear or move otherwise; an empty list when nothing does. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  await settled(page);
  await page.evaluate(axe.source);
  return page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')))`,
  );
}

/** Everything is loaded, and nothing fades in any more: what does has no contrast yet. */
export async function settled(page: Page): Promise<void> {
  const busy = `document.querySelectorAll('.mantine-Skeleton-root').length +
    document.getAnimations().filter(({ playState, effect }) => playState === 'running' && effect?.getTiming().iterations !== Infinity).length`;
  await until(async () => (await page.evaluate(busy)) === 0, 'the page is settled');
}

function newestIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs));
}
