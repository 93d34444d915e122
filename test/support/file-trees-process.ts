import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createFiles } from '../../src/apps/files/files.ts';
import { packTree } from '../../src/apps/files/pack-tree.ts';
import type { TreeSettings } from '../../src/apps/files/options.ts';
import { removeTree } from '../../src/apps/files/place/remove-tree.ts';
import { stageTree } from '../../src/apps/files/place/stage-tree.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { compressor, decompressor } from '../../src/pipeline/compress.ts';
import { through } from '../../src/pipeline/pipeline.ts';
import { contextIn, signal, task, tree } from './file-trees.ts';

/** Does one thing with a tree, for tests that need it done by another user, or killed. Prints what came of it. */
const [what = '', source = '', folder = ''] = process.argv.slice(2);

try {
  console.log(JSON.stringify(await run()));
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  const { code, message, details } = error;
  console.log(JSON.stringify({ code, message, details }));
}

async function run(): Promise<unknown> {
  const settings = tree(source, { optional: what === 'save-optional' });
  const app = createFiles([settings], contextIn(folder));
  switch (what) {
    case 'check':
      return app.check(signal);
    case 'pack':
      return consume(packTree(settings).open(signal));
    case 'stage':
      // The tar comes by the standard input, which its sender leaves open.
      return stageTree(
        {
          name: 'data',
          target: source,
          expected: { files: 1e6, folders: 1e6, links: 1e6, bytes: 1e12, diskBytes: 0, digest: '' },
          content: process.stdin,
        },
        { signal, tell: (bytes) => console.error(`laid ${bytes}`) },
      );
    case 'memory':
      return memory(settings, folder);
    case 'rehearse': {
      const { saveTrees } = await import('./file-trees.ts');
      return app.rehearse(await saveTrees(folder, [settings]), task);
    }
    case 'restore':
    case 'restore-back':
      return restore(settings, folder, what === 'restore-back');
    default: {
      await using saving = await app.open({ encrypted: false, database: null }, signal);
      for await (const part of saving.parts(signal)) await consume(part.open(signal));
      return { facts: saving.facts(), warnings: saving.warnings };
    }
  }
}

/** Saves a tree and restores it over itself; `back`: as where what came after the exchange has failed. */
async function restore(settings: TreeSettings, below: string, back: boolean): Promise<unknown> {
  const { saveTrees } = await import('./file-trees.ts');
  const saved = await saveTrees(below, [settings]);
  const wanted = { only: null, to: null };
  await using staged = await createFiles([settings], contextIn(below)).trees?.stage(saved, wanted, task);
  const [swapped] = (await staged?.swap(signal)) ?? [];
  return back ? { kept: await staged?.back() } : swapped;
}

/** Reads a tree and lays it down elsewhere, compressed and decompressed between, and tells the most memory that took. */
async function memory(settings: TreeSettings, below: string): Promise<{ megabytes: number; files: number }> {
  const packed = packTree(settings);
  const stages = [compressor({ codec: 'zstd', level: 2 }, signal), decompressor('zstd', signal)];
  const content = through(
    packed.open(signal),
    stages.filter((stage) => stage !== null),
    signal,
  );
  const most = { files: 1e6, folders: 1e6, links: 1e6, bytes: 1e12, diskBytes: 0, digest: '' };
  const laid = await stageTree(
    { name: 'data', target: join(below, 'target'), expected: most, content },
    { signal, tell: () => undefined },
  );
  await removeTree(laid.staged);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return { megabytes: Number(peak) / 1024, files: packed.facts().files };
}

async function consume(content: NodeJS.ReadableStream): Promise<void> {
  await pipeline(content, new Writable({ write: (_chunk, _encoding, next) => next() }));
}
