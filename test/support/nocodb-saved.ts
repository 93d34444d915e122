import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { App, AppPart, Saved, Saving } from '../../src/apps/app.ts';
import { createNocodb } from '../../src/apps/nocodb/nocodb.ts';
import { appSchema } from '../../src/apps/nocodb/options.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';

/** What an archive would have stored. */
export interface SavedTree extends Saved {
  files: Map<string, Buffer>;
  warnings: string[];
}

export interface Settings {
  url: string;
  token: string;
  [more: string]: unknown;
}

export function nocodbApp(settings: Settings, scratch: string): ReturnType<typeof createNocodb> {
  const parsed = appSchema.parse({ kind: 'nocodb', ...settings });
  return createNocodb(parsed, { clock: systemClock, logger: silentLogger, scratch });
}

export async function saveAll(
  app: Pick<App, 'open'>,
  { encrypted = false, signal = new AbortController().signal }: { encrypted?: boolean; signal?: AbortSignal } = {},
): Promise<SavedTree> {
  await using saving = await app.open({ encrypted, database: null }, signal);
  return await collect(saving, signal);
}

async function collect(saving: Saving, signal: AbortSignal): Promise<SavedTree> {
  const files = new Map<string, Buffer>();
  for await (const part of saving.parts(signal)) files.set(part.name, await contentOf(part, signal));
  return treeOf(files, saving.facts(), [...saving.warnings]);
}

export async function contentOf(part: AppPart, signal: AbortSignal): Promise<Buffer> {
  return buffer(part.open(signal));
}

export function treeOf(files: Map<string, Buffer>, facts: Record<string, unknown>, warnings: string[] = []): SavedTree {
  return {
    files,
    facts,
    warnings,
    parts: [...files].map(([name, content]) => ({ name, bytes: content.length, rawBytes: null })),
    open: async (name) => {
      const content = files.get(name);
      if (content === undefined) throw new Error(`${name} is not there`);
      return Readable.from([content], { objectMode: false });
    },
  };
}

/** A file of the tree, decompressed and parsed. */
export function contentIn(tree: SavedTree, name: string): unknown {
  const content = tree.files.get(name);
  if (content === undefined) throw new Error(`${name} is not there: ${[...tree.files.keys()].join(', ')}`);
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8'));
}

/** The first file of the tree whose name ends so. */
export function nameIn(tree: SavedTree, end: string): string {
  const name = [...tree.files.keys()].find((each) => each.endsWith(end));
  if (name === undefined) throw new Error(`nothing ends with ${end}: ${[...tree.files.keys()].join(', ')}`);
  return name;
}
