import { spawnSync } from 'node:child_process';
import { chmod, chown, link, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { linkSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { WantedTrees } from '../../src/apps/app.ts';
import { Chunks } from '../../src/apps/files/thread/chunks.ts';
import { createFiles } from '../../src/apps/files/files.ts';
import { TarReader } from '../../src/apps/files/tar/reader.ts';
import { TreePacker } from '../../src/apps/files/thread/tree-packer.ts';
import type { Member } from '../../src/apps/files/tar/member.ts';
import { contextIn, listTree, saveTrees, signal, task, tree } from '../support/file-trees.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = process.getuid?.() === 0;
const all: WantedTrees = { only: null, to: null };

describe('a folder with a name as long as names can be', () => {
  const names: [string, string][] = [
    ['220 bytes', 'n'.repeat(220)],
    ['232', 'n'.repeat(232)],
    ['245', 'n'.repeat(245)],
    ['255', 'n'.repeat(255)],
    ['254 in letters of two', 'ö'.repeat(127)],
    ['254 in letters of three', `${'日'.repeat(84)}.x`],
  ];

  test.each(names)('changes places, there and back: %s', async (_bytes, name) => {
    await using folder = await temporaryFolder();
    const { live, saved, trees } = await longTree(folder.path, name);
    const before = listTree(live, { nanoseconds: false });
    await writeFile(join(live, 'file'), 'live');

    await trees.plan(saved, all, signal);
    await using staged = await trees.stage(saved, all, task);
    const swapped = await staged.swap(signal);
    expect(listTree(live, { nanoseconds: false })).toEqual(before);
    await trees.undo(swapped, signal);
    expect(await readFile(join(live, 'file'), 'utf8')).toBe('live');
  });

  test.each(names)('is told apart from what restores left beside it: %s', async (_bytes, name) => {
    await using folder = await temporaryFolder();
    const { live, saved, trees } = await longTree(folder.path, name);
    const files = createFiles([tree(live)], contextIn(folder.path));
    const swapped = await (async () => {
      await using staged = await trees.stage(saved, all, task);
      return await staged.swap(signal);
    })();
    const previous = swapped[0]?.previous ?? '';
    expect(await readFile(join(previous, 'file'), 'utf8')).toBe('saved');
    expect(await files.check(signal)).toContainEqual(
      expect.objectContaining({ result: 'warning', detail: expect.stringContaining(previous) as string }),
    );

    // As a restore that was killed between its renames leaves it.
    await using staged = await trees.stage(saved, all, task);
    await rename(live, join(folder.path, 'away'));
    await expect(trees.plan(saved, all, signal)).rejects.toMatchObject({ code: 'FILES_HALF_SWAPPED' });
    expect(staged.trees).toHaveLength(1);
  });

  test('is not taken for another that begins like it', async () => {
    await using folder = await temporaryFolder();
    const [one, two] = ['1', '2'].map((end) => 'n'.repeat(250) + end);
    const { live, saved, trees } = await longTree(folder.path, one ?? '');
    await mkdir(join(folder.path, two ?? ''));
    {
      await using staged = await trees.stage(saved, all, task);
      await staged.swap(signal);
    }
    const checks = await createFiles([tree(join(folder.path, two ?? ''))], contextIn(folder.path)).check(signal);
    expect(checks.every(({ result }) => result === 'ok')).toBe(true);
    expect(await createFiles([tree(live)], contextIn(folder.path)).check(signal)).toContainEqual(
      expect.objectContaining({ result: 'warning' }),
    );
  });
});

describe.skipIf(!root)('for an ordinary user', () => {
  test('folders that are read-only change places also where the folder that holds them cannot be renamed', async () => {
    await using folder = await temporaryFolder();
    const { live, before } = await readOnlyTree(folder.path, Buffer.from('closed'));
    expect(asOrdinaryUser('restore', live, folder.path)).toMatchObject({ previous: expect.stringContaining(live) });
    const found = listTree(live, { nanoseconds: false }).filter((line) => !line.startsWith('.holdfast-'));
    expect(found.slice(1)).toEqual(before.slice(1));
  });

  test('and go back where the exchange fails', async () => {
    await using folder = await temporaryFolder();
    const { live, before } = await readOnlyTree(folder.path, Buffer.from('closed'));
    expect(asOrdinaryUser('restore-back', live, folder.path)).toMatchObject({ kept: [] });
    expect(listTree(live, { nanoseconds: false }).slice(1)).toEqual(before.slice(1));
  });

  test('what was laid down is removed whatever the names of its read-only folders are', async () => {
    await using folder = await temporaryFolder();
    const { live } = await readOnlyTree(folder.path, Buffer.from([0x6c, 0xe4, 0xff]));
    await chmod(folder.path, 0o777);
    expect(asOrdinaryUser('rehearse', live, folder.path)).toMatchObject({ ok: true });
    expect(await readdir(join(folder.path, 'scratch'))).toEqual([]);
  });
});

describe('files with several names', () => {
  test('that are gone while the tree is read are not taken for others that got their number on the disk', async (context) => {
    await using folder = await temporaryFolder();
    const reused: string[] = [];
    // Somebody else may be given the number.
    for (let round = 0; round < 10 && reused.length === 0; round += 1) {
      const live = join(folder.path, `live-${round}`);
      await mkdir(live);
      await writeFile(join(live, 'a'), 'content of a');
      await link(join(live, 'a'), join(live, 'z'));
      await writeFile(join(live, 'large'), Buffer.alloc(3_000_000, 'x'));
      const names = Array.from({ length: 50 }, (_, at) => `new-${at}`);
      for (const name of names) await writeFile(join(live, name), 'before');
      const number = (await stat(join(live, 'a'))).ino;

      const read = readPacked(live, () => {
        for (const gone of ['a', 'z']) rmSync(join(live, gone));
        for (const name of names) writeFileSync(join(live, `${name}.made`), `content of ${name}`);
        reused.push(...names.filter((name) => statSync(join(live, `${name}.made`)).ino === number));
        for (const name of reused) {
          renameSync(join(live, `${name}.made`), join(live, name));
          linkSync(join(live, name), join(live, 'other'));
        }
      });

      for (const name of reused) {
        const found = read.find(({ member: { path } }) => path === name);
        expect([found?.member.kind, found?.content]).toEqual(['file', `content of ${name}`]);
      }
    }
    if (reused.length === 0) context.skip('this file system does not give a number again');
  });
});

async function longTree(folder: string, name: string) {
  const live = join(folder, name);
  await mkdir(live);
  await writeFile(join(live, 'file'), 'saved');
  const saved = await saveTrees(folder, [tree(live)]);
  const { trees } = createFiles([tree(live)], contextIn(folder));
  if (!trees) throw new Error('files are trees');
  return { live, saved, trees };
}

/** A folder of an ordinary user in one of root's, with a folder in it that nobody may write to. */
async function readOnlyTree(folder: string, name: Buffer): Promise<{ live: string; before: string[] }> {
  const live = join(folder, 'live');
  const closed = Buffer.concat([Buffer.from(`${live}/`), name]);
  mkdirSync(live);
  mkdirSync(closed);
  const file = Buffer.concat([closed, Buffer.from('/file')]);
  writeFileSync(file, 'content');
  for (const path of [live, closed, file]) await chown(path, 65_534, 65_534);
  await chmod(closed, 0o555);
  await chmod(folder, 0o755);
  for (const below of ['scratch', 'backup']) {
    await mkdir(join(folder, below));
    await chmod(join(folder, below), 0o777);
  }
  return { live, before: listTree(live, { nanoseconds: false }) };
}

function asOrdinaryUser(what: string, source: string, folder: string): unknown {
  const script = join(import.meta.dirname, '../support/file-trees-process.ts');
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const { stdout, stderr } = spawnSync('setpriv', [...user, process.execPath, script, what, source, folder], {
    encoding: 'utf8',
    env: { HOME: '/nonexistent' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** What a tar of it holds, when something happens after the first of it has been read. */
function readPacked(live: string, then: () => void): { member: Member; content: string }[] {
  const found: { member: Member; content: string }[] = [];
  const reader = new TarReader({
    member: (member) => found.push({ member, content: '' }),
    content: (bytes) => {
      const last = found.at(-1);
      if (last) last.content += bytes.toString('latin1');
    },
    end: () => undefined,
  });
  let first = true;
  const out = new Chunks(({ bytes }) => {
    reader.push(Buffer.from(bytes));
    if (first) then();
    first = false;
  });
  new TreePacker({ root: live, exclude: [], keepOut: [], optional: false }, out).run();
  reader.finish();
  return found;
}
