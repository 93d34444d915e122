import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, chown, link, lutimes, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import type { AppContext, AppTask, Saved } from '../../src/apps/app.ts';
import { createFiles } from '../../src/apps/files/files.ts';
import type { TreeSettings } from '../../src/apps/files/options.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';

const isRoot = process.getuid?.() === 0;

export const { signal } = new AbortController();
export const task: AppTask = { signal, report: () => undefined };

export function contextIn(folder: string): AppContext {
  return { clock: systemClock, logger: silentLogger, scratch: join(folder, 'scratch') };
}

export function tree(path: string, changes: Partial<TreeSettings> = {}): TreeSettings {
  return { name: 'data', path, exclude: [], optional: false, ...changes };
}

export interface SavedTrees extends Saved {
  warnings: string[];
  /** Where the tars lie, compressed as `zstd` does it. */
  folder: string;
}

/** Saves trees as a backup would, into ordinary files. */
export async function saveTrees(folder: string, trees: readonly TreeSettings[]): Promise<SavedTrees> {
  const app = createFiles(trees, contextIn(folder));
  await using saving = await app.open({ encrypted: false, database: null }, signal);
  const parts: { name: string; rawBytes: number | null; bytes: number }[] = [];
  for await (const part of saving.parts(signal)) {
    const path = join(folder, 'backup', part.name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(part.open(signal), createWriteStream(path));
    const { size } = await stat(path);
    await pipeline(createReadStream(path), createZstdCompress(), createWriteStream(`${path}.zst`));
    parts.push({ name: part.name, rawBytes: size, bytes: (await stat(`${path}.zst`)).size });
  }
  const open = async (name: string): Promise<Readable> =>
    createReadStream(join(folder, 'backup', name), { highWaterMark: 300_000 });
  return { facts: saving.facts(), parts, open, warnings: saving.warnings, folder: join(folder, 'backup') };
}

/** Every name below a folder with its kind, rights, owner, time and where it leads: what `find` says, sorted. */
export function listTree(path: string, { owner = true, nanoseconds = true } = {}): string[] {
  const format = `%P\\0%y\\0%m\\0${owner ? '%U:%G' : ''}\\0%T@\\0%l\\0\\n`;
  const said = execFileSync('find', [path, '-printf', format], { encoding: 'latin1', maxBuffer: 1 << 28 });
  const lines = said.split('\0\n').filter((line) => line !== '');
  return lines.map((line) => (nanoseconds ? line : line.replace(/(\.\d{3})\d*\0/, '$1\0'))).toSorted();
}

/** Whether two trees hold the same content, as `diff` says. */
export function sameContent(one: string, other: string): boolean {
  try {
    execFileSync('diff', ['-r', '--no-dereference', one, other], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Everything that a file system of this machine can hold and a careless program stumbles over. */
export async function strangeTree(source: string): Promise<void> {
  const names = [
    "it's",
    'say "hi"',
    'line\nbreak',
    '-rf',
    '$HOME;`id`',
    'größe',
    '日本😀',
    ' blank ',
    'back\\slash',
    'c'.repeat(255),
  ];
  await mkdir(join(source, 'linked'), { recursive: true });
  for (const name of names) await writeFile(join(source, name), `content of ${name}`);
  await writeFile(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0x6c, 0xe4, 0xff, 0x31])]), 'not UTF-8');
  const deep = join(source, ...Array.from({ length: 4 }, (_, at) => `${at}${'d'.repeat(99)}`));
  await mkdir(deep, { recursive: true });
  await symlink('x'.repeat(150), join(deep, 'long link'));
  await symlink('/nowhere/größe', join(source, 'dangling'));
  await lutimes(join(source, 'dangling'), 1_000_000_000.25, 1_000_000_000.25);
  await writeFile(join(source, 'linked/one'), 'three names');
  await link(join(source, 'linked/one'), join(source, 'linked/two'));
  await link(join(source, 'linked/one'), join(deep, 'three'));
  await chmod(join(source, '-rf'), isRoot ? 0o4751 : 0o751);
  if (isRoot) await chown(join(source, 'größe'), 4_000_000, 12_345);
  await chmod(join(source, 'linked'), 0o555);
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789 UTC', join(source, 'größe')]);
  execFileSync('touch', ['-d', '1960-01-01 00:00:00.5 UTC', join(source, ' blank ')]);
  execFileSync('touch', ['-d', '2400-01-01 00:00:00 UTC', join(source, "it's")]);
  execFileSync('touch', ['-d', '1999-01-01 00:00:00.25 UTC', source]);
}
