import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Saved, Trees, WantedTrees } from '../../src/apps/app.ts';
import { createFiles } from '../../src/apps/files/files.ts';
import type { TreeSettings } from '../../src/apps/files/options.ts';
import { block, mostHead, padded, writeHead } from '../../src/apps/files/tar/head.ts';
import type { Member } from '../../src/apps/files/tar/member.ts';
import { removeHere } from '../../src/apps/files/thread/remove-here.ts';
import { removeTree } from '../../src/apps/files/place/remove-tree.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import type { Report } from '../../src/base/progress.ts';
import { layTrees } from '../../src/restore/trees.ts';
import {
  contextIn,
  listTree,
  sameContent,
  saveTrees,
  signal,
  strangeTree,
  task,
  tree,
  type SavedTrees,
} from '../support/file-trees.ts';
import { smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const root = process.getuid?.() === 0;
const all: WantedTrees = { only: null, to: null };

function treesOf(folder: string, trees: readonly TreeSettings[]) {
  const found = createFiles(trees, contextIn(folder)).trees;
  if (!found) throw new Error('files are trees');
  return found;
}

describe('a restore replaces a folder as a whole', () => {
  test('N-d22: nothing that came later stays, and what lived is kept beside it', async () => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    const settings = [tree(live)];
    await rm(join(live, 'sub/b'));
    await writeFile(join(live, 'newer'), 'newer');
    await writeFile(join(live, 'a'), 'changed');

    await using staged = await treesOf(folder.path, settings).stage(saved, all, task);
    expect(staged.trees).toEqual([{ name: 'data', target: live, replaces: true, files: 3, bytes: 100_003 }]);
    expect(await readFile(join(live, 'a'), 'utf8')).toBe('changed');
    const [swapped] = await staged.swap(signal);

    expect(listTree(live, { nanoseconds: false })).toEqual(before);
    expect(await readFile(join(swapped?.previous ?? '', 'newer'), 'utf8')).toBe('newer');
    expect(swapped?.previous).toMatch(/live\.before-\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$/);

    await staged.back();
    expect(await readFile(join(live, 'newer'), 'utf8')).toBe('newer');
    await staged.swap(signal);
    expect(await staged.forget(signal)).toEqual([]);
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
    expect(listTree(live, { nanoseconds: false })).toEqual(before);
  });

  test('S18: whatever the names, rights, owners, times and links are', async () => {
    await using folder = await temporaryFolder();
    const live = join(folder.path, 'live');
    await strangeTree(live);
    const saved = await saveTrees(folder.path, [tree(live)]);
    await using staged = await treesOf(folder.path, [tree(live)]).stage(saved, all, task);
    const [swapped] = await staged.swap(signal);
    expect(listTree(live, { nanoseconds: false })).toEqual(listTree(swapped?.previous ?? '', { nanoseconds: false }));
    expect(sameContent(live, swapped?.previous ?? '')).toBe(true);
  });

  test('what was laid down and did not become live is removed', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    {
      await using staged = await treesOf(folder.path, [tree(live)]).stage(saved, all, task);
      expect(staged.trees).toHaveLength(1);
      expect((await readdir(folder.path)).filter((name) => name.startsWith('live.holdfast-'))).toHaveLength(1);
    }
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
  });

  test('a path that is too long where it is laid down is told as that, and leaves nothing behind', async () => {
    await using folder = await temporaryFolder();
    const live = join(folder.path, 'x'.repeat(100), 'live');
    // As long as the system takes it: what is laid down beside has a longer name.
    const deep = Array.from({ length: Math.floor((4000 - live.length) / 101) }, () => 'd'.repeat(100)).join('/');
    await mkdir(join(live, deep), { recursive: true });
    const file = join(live, deep, 'f'.repeat(4095 - live.length - deep.length - 2));
    await writeFile(file, 'deep');
    const saved = await saveTrees(folder.path, [tree(live)]);
    const laid = treesOf(folder.path, [tree(live)]).stage(saved, all, task);
    const error = await laid.then(
      () => null,
      (thrown: unknown) => thrown as HoldfastError,
    );
    expect(error).toMatchObject({ code: 'FILES_PATH_TOO_LONG' });
    expect(error?.hint).toContain('--to');
    expect(error?.message.length).toBeLessThan(600);
    expect(await readdir(dirname(live))).toEqual(['live']);
    expect(await readFile(file, 'utf8')).toBe('deep');
    // Where the way is shorter there is room for it.
    await using staged = await treesOf(folder.path, []).stage(saved, { only: null, to: join(folder.path, 't') }, task);
    expect(staged.trees).toHaveLength(1);
  });

  test('where nothing lives, and its parent folders are gone too', async () => {
    await using folder = await temporaryFolder();
    const { saved, before } = await savedTree(folder.path);
    const target = join(folder.path, 'not/there/yet');
    await using staged = await treesOf(folder.path, [tree(target)]).stage(saved, all, task);
    expect(await staged.swap(signal)).toEqual([{ name: 'data', target, previous: null }]);
    expect(listTree(target, { nanoseconds: false })).toEqual(before);
  });

  test('into another folder, which must be empty', async () => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    const to = join(folder.path, 'elsewhere');
    const trees = treesOf(folder.path, []);
    {
      await using staged = await trees.stage(saved, { only: ['data'], to }, task);
      await staged.swap(signal);
    }
    expect(listTree(join(to, 'data'), { nanoseconds: false })).toEqual(before);
    await expect(trees.stage(saved, { only: null, to }, task)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
    await expect(trees.stage(saved, { only: ['other'], to: live }, task)).rejects.toMatchObject({
      code: 'TREE_UNKNOWN',
    });
    await expect(trees.stage(saved, all, task)).rejects.toMatchObject({ code: 'TREE_NOT_CONFIGURED' });
  });

  test('through a link: the folder it leads to is replaced, the link stays', async () => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    const path = join(folder.path, 'link');
    await symlink('live', path);
    await writeFile(join(live, 'newer'), 'newer');
    await using staged = await treesOf(folder.path, [tree(path)]).stage(saved, all, task);
    await staged.swap(signal);
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect(listTree(live, { nanoseconds: false })).toEqual(before);
  });

  test('all trees or none', async () => {
    await using folder = await temporaryFolder();
    const settings = ['one', 'two'].map((name) => tree(join(folder.path, name), { name }));
    for (const { path, name } of settings) {
      await mkdir(path);
      await writeFile(join(path, 'file'), name);
    }
    const saved = await saveTrees(folder.path, settings);
    for (const { path } of settings) await writeFile(join(path, 'file'), 'live');
    await rm(join(folder.path, 'two'), { recursive: true });
    await using staged = await treesOf(folder.path, settings).stage(saved, all, task);
    await mkdir(join(folder.path, 'two'));

    await expect(staged.swap(signal)).rejects.toMatchObject({
      code: 'SWAP_FAILED',
      hint: expect.stringContaining('live again') as string,
    });

    expect(await readFile(join(folder.path, 'one/file'), 'utf8')).toBe('live');
    expect(await readdir(join(folder.path, 'two'))).toEqual([]);
  });

  test('S17: the way back works long after, and once more', async () => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    await writeFile(join(live, 'newer'), 'newer');
    const trees = treesOf(folder.path, [tree(live)]);
    const swapped = await (async () => {
      await using staged = await trees.stage(saved, all, task);
      return await staged.swap(signal);
    })();
    const undone = await trees.undo(swapped, signal);
    expect(await readFile(join(live, 'newer'), 'utf8')).toBe('newer');
    await undone.back();
    expect(listTree(live, { nanoseconds: false }), 'the way is there as before').toEqual(before);
    const again = await trees.undo(swapped, signal);
    expect(await readFile(join(live, 'newer'), 'utf8')).toBe('newer');
    await trees.undo(again.trees, signal);
    expect(listTree(live, { nanoseconds: false })).toEqual(before);
    await expect(trees.undo([{ name: 'data', target: live, previous: null }], signal)).rejects.toMatchObject({
      code: 'NO_WAY_BACK',
    });
    await expect(trees.undo(again.trees, signal)).rejects.toMatchObject({ code: 'NO_WAY_BACK' });
  });

  test('plan tells what would happen and touches nothing', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const names = await readdir(folder.path);
    const trees = treesOf(folder.path, [tree(live)]);
    expect(await trees.plan(saved, all, signal)).toEqual([
      { name: 'data', target: live, replaces: true, files: 3, bytes: 100_003 },
    ]);
    expect(await trees.plan(saved, { only: null, to: join(folder.path, 'x') }, signal)).toMatchObject([
      { replaces: false },
    ]);
    expect(await readdir(folder.path)).toEqual(names);
  });

  test.each([
    ['another tree', async (path: string) => [tree(path), tree(join(path, 'sub'), { name: 'inner' })], 'TREES_NESTED'],
    ['the storage', async (path: string) => [tree(path, { keepOut: [join(path, 'sub')] })], 'FILES_HOLD_STORAGE'],
  ])('a folder that would take %s along is refused', async (_, make, code) => {
    await using folder = await temporaryFolder();
    const { live } = await savedTree(folder.path);
    const settings = await make(live);
    const saved = await saveTrees(folder.path, settings);
    const trees = treesOf(folder.path, settings);
    await expect(trees.plan(saved, all, signal)).rejects.toMatchObject({ code, kind: 'refused' });
    await expect(trees.stage(saved, all, task)).rejects.toMatchObject({ code, kind: 'refused' });
    expect((await readdir(folder.path)).toSorted()).toEqual(['backup', 'live']);
  });
});

describe('what backups of a folder leave out is not removed with the folder that lived', () => {
  const laid = (trees: Trees, saved: Saved, warnings: string[] = []) => {
    const report: Report = (event) => void (event.kind === 'warning' && warnings.push(event.message));
    return layTrees({ signal, report }, [{ saved, trees }], all);
  };

  test('S17: what exclude names stays in the folder that is kept, which is told; without any the folder goes', async () => {
    await using folder = await temporaryFolder();
    const { live } = await savedTree(folder.path);
    const settings = [tree(live, { exclude: ['/originals/'] })];
    const saved = await saveTrees(folder.path, settings);
    {
      await using ready = await laid(treesOf(folder.path, settings), saved);
      await ready.goLive((move) => move());
      const files = await ready.forget();
      expect(files[0]?.previous).toBeNull();
    }
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
    await mkdir(join(live, 'originals'));
    await writeFile(join(live, 'originals/raw.mov'), 'too large for backups');
    const warnings: string[] = [];
    await using ready = await laid(treesOf(folder.path, settings), saved, warnings);
    await ready.goLive((move) => move());
    const files = await ready.forget();
    expect(await readFile(join(files[0]?.previous ?? '', 'originals/raw.mov'), 'utf8')).toBe('too large for backups');
    expect(warnings).toEqual([expect.stringMatching(/kept as .*live\.before-.*: exclude .*originals/)]);
    expect(ready.warnings).toEqual(expect.arrayContaining(warnings));
  });

  const watched = async (folder: string, live: string, saved: Saved, meanwhile: () => Promise<void>) => {
    const warnings: string[] = [];
    await using ready = await laid(treesOf(folder, [tree(live)]), saved, warnings);
    await ready.watch();
    await meanwhile();
    await ready.goLive((move) => move());
    const [file] = await ready.forget();
    return { previous: file?.previous ?? null, warnings };
  };

  test.each<[string, (live: string) => Promise<void>]>([
    ['a new file', (live) => writeFile(join(live, 'contract.pdf'), 'uploaded')],
    ['a changed one', (live) => writeFile(join(live, 'sub/c'), 'changed')],
    ['one with an old date', (live) => rename(join(live, 'a'), join(live, 'sub/older'))],
  ])('S17: %s that came after the safety backup had begun', async (_, change) => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    await writeFile(join(live, 'since'), 'since the backup');
    const { previous, warnings } = await watched(folder.path, live, saved, () => change(live));
    expect(await readFile(join(previous ?? '', 'since'), 'utf8')).toBe('since the backup');
    expect(warnings).toEqual([expect.stringMatching(/after the safety backup had begun/)]);
  });

  test('S17: and where nothing came, nothing is kept, in a mount neither', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    expect(await watched(folder.path, live, saved, async () => undefined)).toEqual({ previous: null, warnings: [] });
    await using disk = root ? await smallDisk(20) : null;
    if (!disk) return;
    await mkdir(join(disk.path, 'inner'));
    await writeFile(join(disk.path, 'inner/file'), 'file');
    const inside = await watched(folder.path, disk.path, saved, async () => undefined);
    expect(inside).toEqual({ previous: null, warnings: [] });
    const late = await watched(folder.path, disk.path, saved, () => writeFile(join(disk.path, 'late'), 'late'));
    expect(await readFile(join(late.previous ?? '', 'late'), 'utf8')).toBe('late');
  });

  test.skipIf(!root)('S17: a share that is mounted in it is not emptied', async () => {
    await using folder = await temporaryFolder();
    const { live } = await savedTree(folder.path);
    const share = join(folder.path, 'share');
    await mkdir(share);
    await writeFile(join(share, 'photos.tar'), 'only here');
    await mkdir(join(live, 'nas'));
    const settings = [tree(live, { exclude: ['/nas/'] })];
    const saved = await saveTrees(folder.path, settings);
    if (spawnSync('mount', ['--bind', share, join(live, 'nas')]).status !== 0) return;
    let previous = live;
    try {
      const warnings: string[] = [];
      await using ready = await laid(treesOf(folder.path, settings), saved, warnings);
      await ready.goLive((move) => move());
      const files = await ready.forget();
      previous = files[0]?.previous ?? live;
      expect(previous).not.toBe(live);
      expect(await readFile(join(share, 'photos.tar'), 'utf8')).toBe('only here');
      expect(warnings).toEqual([expect.stringMatching(/mounted/)]);
      await expect(removeTree(previous)).rejects.toMatchObject({ code: 'FOLDER_HOLDS_MOUNT' });
      expect(await readFile(join(previous, 'a'), 'utf8')).toBe('content of a');
    } finally {
      spawnSync('umount', [join(previous, 'nas')]);
    }
  });

  test.skipIf(!root)('S17: what could be removed in part only is named, and is no way back', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const lasting = join(live, 'sub/b');
    if (spawnSync('chattr', ['+i', lasting]).status !== 0) return;
    let previous = live;
    try {
      const warnings: string[] = [];
      await using ready = await laid(treesOf(folder.path, [tree(live)]), saved, warnings);
      const { files: moved } = await ready.goLive((move) => move());
      previous = moved[0]?.previous ?? '';
      const left = await ready.forget();
      expect(await readdir(previous, { recursive: true })).toContain('sub/b');
      expect(left).toMatchObject([{ previous: null }]);
      expect(warnings).toEqual([expect.stringMatching(/could not be removed as a whole.*before-/s)]);
    } finally {
      spawnSync('chattr', ['-i', join(previous, 'sub/b')]);
    }
  });

  test.skipIf(!root)('nor one on another file system, where the system does not tell of mounts', async () => {
    await using disk = await smallDisk(4);
    if (!disk) return;
    await writeFile(join(disk.path, 'file'), 'only here');
    expect(() => removeHere(dirname(disk.path))).toThrow(/is mounted in/);
    expect(await readFile(join(disk.path, 'file'), 'utf8')).toBe('only here');
  });
});

describe('S14: a swap that fails after the folders have become live', () => {
  const fail = async (folder: string, meanwhile: (live: string) => Promise<void>) => {
    const { live, saved } = await savedTree(folder);
    await writeFile(join(live, 'since'), 'since the backup');
    const before = listTree(live);
    const warnings: string[] = [];
    {
      const report: Report = (event) => void (event.kind === 'warning' && warnings.push(event.message));
      await using laid = await layTrees({ signal, report }, [{ saved, trees: treesOf(folder, [tree(live)]) }], all);
      const swapping = laid.goLive(async (move) => {
        expect(listTree(live)).toEqual(before);
        await move();
        await meanwhile(live);
        throw new Error('the database could not be exchanged');
      });
      await expect(swapping).rejects.toThrow('could not be exchanged');
    }
    expect(listTree(live)).toEqual(before);
    return warnings;
  };

  test('removes them', async () => {
    await using folder = await temporaryFolder();
    expect(await fail(folder.path, async () => undefined)).toEqual([]);
    expect((await readdir(folder.path)).toSorted()).toEqual(['backup', 'live']);
  });

  test('but not what somebody has written into them in that moment', async () => {
    await using folder = await temporaryFolder();
    const warnings = await fail(folder.path, (live) => writeFile(join(live, 'contract.pdf'), 'uploaded'));
    const kept = (await readdir(folder.path)).find((name) => name.startsWith('live.')) ?? '';
    expect(await readFile(join(folder.path, kept, 'contract.pdf'), 'utf8')).toBe('uploaded');
    expect(warnings).toEqual([expect.stringContaining(kept)]);
  });

  test('and leaves all as it is where nobody knows which database is live', async () => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    await writeFile(join(live, 'since'), 'since the backup');
    {
      await using laid = await layTrees(task, [{ saved, trees: treesOf(folder.path, [tree(live)]) }], all);
      const swapping = laid.goLive(async (move) => {
        await move();
        throw new HoldfastError('RESTORE_UNCERTAIN', 'the connection was lost');
      });
      await expect(swapping).rejects.toMatchObject({ code: 'RESTORE_UNCERTAIN' });
    }
    expect(listTree(live, { nanoseconds: false })).toEqual(before);
    const previous = (await readdir(folder.path)).find((name) => name.startsWith('live.before-')) ?? '';
    expect(await readFile(join(folder.path, previous, 'since'), 'utf8')).toBe('since the backup');
  });
});

test.skipIf(!root)('a folder that cannot be made is told as that', async () => {
  await using disk = await smallDisk(4);
  if (!disk || spawnSync('mount', ['-o', 'remount,ro', disk.path]).status !== 0) return;
  await using folder = await temporaryFolder();
  const { saved, live } = await savedTree(folder.path);
  const to = join(disk.path, 'not/there');
  await expect(treesOf(folder.path, [tree(live)]).stage(saved, { only: null, to }, task)).rejects.toMatchObject({
    code: 'NO_PERMISSION',
    message: `${dirname(to)} cannot be written to`,
  });
});

describe.skipIf(!root)('a folder that is a mount', () => {
  test('cannot be renamed: what is in it changes places, there and back', async () => {
    await using disk = await smallDisk(20);
    if (!disk) return;
    await using folder = await temporaryFolder();
    const { saved, before } = await savedTree(folder.path);
    await writeFile(join(disk.path, 'newer'), 'newer');
    await chmod(disk.path, 0o750);
    const trees = treesOf(folder.path, [tree(disk.path)]);
    const swapped = await (async () => {
      await using staged = await trees.stage(saved, all, task);
      await staged.swap(signal);
      await staged.back();
      expect(await readdir(disk.path)).toContain('newer');
      expect((await stat(disk.path)).mode & 0o777).toBe(0o750);
      return await staged.swap(signal);
    })();
    const previous = swapped[0]?.previous ?? '';
    expect(previous).toContain('/.holdfast-before-');
    expect(await readFile(join(previous, 'newer'), 'utf8')).toBe('newer');
    const found = listTree(disk.path, { nanoseconds: false }).filter((line) => !line.startsWith('.holdfast-'));
    expect(found.slice(1)).toEqual(before.slice(1));
    expect(
      (await createFiles([tree(disk.path)], contextIn(folder.path)).check(signal)).map(({ result }) => result),
    ).toContain('warning');
    // The next backup does not swallow what is kept there.
    expect((await saveTrees(join(folder.path, 'next'), [tree(disk.path)])).facts).toMatchObject({
      trees: [{ files: 3 }],
    });
    // The folders themselves are written to by every change of places.
    const namesIn = () => readdir(disk.path, { recursive: true });
    const listed = await namesIn();
    const undone = await trees.undo(swapped, signal);
    expect(await readFile(join(disk.path, 'newer'), 'utf8')).toBe('newer');
    await undone.back();
    expect(await namesIn()).toEqual(listed);
    {
      await using _again = await trees.undo(swapped, signal);
      expect(await readFile(join(disk.path, 'newer'), 'utf8')).toBe('newer');
    }
    expect((await readdir(disk.path)).filter((name) => name.startsWith('.holdfast-'))).toHaveLength(1);
  });

  test('S17: with another mount among its entries, which cannot change places, is told before anything is laid down', async () => {
    await using disk = await smallDisk(20);
    if (!disk) return;
    await using folder = await temporaryFolder();
    const { saved } = await savedTree(folder.path);
    const nas = join(disk.path, 'nas');
    for (const path of [nas, join(disk.path, 'deep/nas')]) await mkdir(path, { recursive: true });
    const trees = treesOf(folder.path, [tree(disk.path)]);
    const bind = (path: string) => spawnSync('mount', ['--bind', folder.path, path]).status === 0;
    if (!bind(join(disk.path, 'deep/nas'))) return;
    try {
      // One further down goes along with its folder.
      expect(await trees.plan(saved, all, signal)).toHaveLength(1);
      expect(bind(nas)).toBe(true);
      await expect(trees.plan(saved, all, signal)).rejects.toMatchObject({
        code: 'FOLDER_HOLDS_MOUNT',
        message: expect.stringContaining(nas) as string,
      });
      expect((await readdir(disk.path)).toSorted()).toEqual(['deep', 'nas']);
    } finally {
      for (const path of [nas, join(disk.path, 'deep/nas')]) spawnSync('umount', [path]);
    }
  });

  test('S3: a full disk is told before anything is laid down, and when the manifest lies, after; nothing is left', async () => {
    await using disk = await smallDisk(4);
    if (!disk) return;
    await using folder = await temporaryFolder();
    const large = join(folder.path, 'large');
    await mkdir(large);
    await writeFile(join(large, 'file'), Buffer.alloc(6_000_000, 'x'));
    const saved = await saveTrees(folder.path, [tree(large)]);
    const live = join(disk.path, 'live');
    await mkdir(live);
    await writeFile(join(live, 'file'), 'live');
    const trees = treesOf(folder.path, [tree(live)]);
    await expect(trees.plan(saved, all, signal)).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(trees.stage(saved, all, task)).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(trees.stage(withFacts(saved, { diskBytes: 0 }), all, task)).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(await readdir(disk.path)).toEqual(['live']);
    expect(await readFile(join(live, 'file'), 'utf8')).toBe('live');
  });
});

describe('a backup that is not what it says', () => {
  test('S13: a tar with one byte changed is not made live, and not left beside', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const tar = await readFile(join(saved.folder, 'files/data.tar'));
    const at = tar.indexOf('content of a');
    tar[at] = (tar[at] ?? 0) ^ 1;
    const files = createFiles([tree(live)], contextIn(folder.path));
    const damaged = withTar(saved, tar);
    await expect(files.trees?.stage(damaged, all, task)).rejects.toMatchObject({
      code: 'TREE_DIFFERS',
      kind: 'integrity',
    });
    await expect(files.readThrough(damaged, signal)).rejects.toMatchObject({ code: 'TREE_DIFFERS', kind: 'integrity' });
    expect(await files.rehearse(damaged, task)).toMatchObject({
      ok: false,
      differences: [expect.stringContaining('digest') as string],
    });
    expect((await readdir(folder.path)).toSorted()).toEqual(['backup', 'live', 'scratch']);
    expect(await readdir(join(folder.path, 'scratch'))).toEqual([]);
  });

  test.each([0.1, 0.5, 0.99])('S5: a tar cut at %f of its length is refused', async (part) => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const tar = await readFile(join(saved.folder, 'files/data.tar'));
    const cut = withTar(saved, tar.subarray(0, Math.floor((tar.length - 1024) * part)));
    const files = createFiles([tree(live)], contextIn(folder.path));
    await expect(files.trees?.stage(cut, all, task)).rejects.toMatchObject({ code: 'TAR_DAMAGED', kind: 'integrity' });
    await expect(files.readThrough(cut, signal)).rejects.toMatchObject({ code: 'TAR_DAMAGED', kind: 'integrity' });
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
  });

  test('S4: a stream that fails in the place of its end', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const failing: Saved = {
      ...saved,
      open: async () =>
        Readable.from(
          (async function* content() {
            yield await readFile(join(saved.folder, 'files/data.tar'));
            throw new Error('checksum differs');
          })(),
        ),
    };
    await expect(treesOf(folder.path, [tree(live)]).stage(failing, all, task)).rejects.toThrow('checksum differs');
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
  });
});

/** Each of them tries to write `victim` beside the folder, or something where it must not be. */
const hostile: [title: string, members: Partial<Member>[]][] = [
  ['a path with ..', [{ path: '../victim' }]],
  ['a path with .. in the middle', [{ path: 'a/../../victim' }]],
  ['an absolute path', [{ path: '/tmp/holdfast-victim' }]],
  ['a path with NUL', [{ path: `${'x'.repeat(100)}\0y` }]],
  ['a file below a link', [{ kind: 'symlink', path: 'out', target: '..' }, { path: 'out/victim' }]],
  [
    'a file below a link below a folder',
    [{ kind: 'folder', path: 'd' }, { kind: 'symlink', path: 'd/out', target: '../..' }, { path: 'd/out/victim' }],
  ],
  [
    'a folder in the place of a link',
    [{ kind: 'symlink', path: 'out', target: '..' }, { kind: 'folder', path: 'out' }, { path: 'out/victim' }],
  ],
  ['a file in the place of a link', [{ kind: 'symlink', path: 'out', target: '../victim' }, { path: 'out' }]],
  ['a link to a file outside', [{ kind: 'link', path: 'in', target: '../live/a' }]],
  ['a link to an absolute path', [{ kind: 'link', path: 'in', target: '/etc/hostname' }]],
  [
    'a link through a link',
    [
      { kind: 'symlink', path: 'out', target: '../live' },
      { kind: 'link', path: 'in', target: 'out/a' },
    ],
  ],
  [
    'a link to a link',
    [
      { kind: 'symlink', path: 'out', target: '../live/a' },
      { kind: 'link', path: 'in', target: 'out' },
    ],
  ],
  [
    'a link to a folder',
    [
      { kind: 'folder', path: 'd' },
      { kind: 'link', path: 'in', target: 'd' },
    ],
  ],
  ['the same name twice', [{ path: 'a' }, { path: 'a' }]],
  ['a file in the place of a folder', [{ kind: 'folder', path: 'a' }, { path: 'a' }]],
  ['a file below a file', [{ path: 'a' }, { path: 'a/victim' }]],
  ['a root that is a link', [{ kind: 'symlink', path: '', target: '..' }]],
  ['a link that leads nowhere', [{ kind: 'symlink', path: 'a', target: '' }]],
  ['a name kept for restores', [{ path: '.holdfast-before-x' }]],
  ['more entries than the manifest says', Array.from({ length: 20 }, (_, at) => ({ path: `${at}` }))],
  ['more bytes than the manifest says', [{ path: 'bomb', size: 2 ** 50, regions: [] }]],
];

describe('S24: a hostile tar', () => {
  test.each(hostile)('with %s is refused; nothing is written beside it, and nothing is left', async (_, members) => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    const tar = withTar(saved, tarOf(members));
    const files = createFiles([tree(live)], contextIn(folder.path));
    await expect(files.trees?.stage(tar, all, task)).rejects.toMatchObject({ code: 'TAR_HOSTILE', kind: 'integrity' });
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
    expect(listTree(live, { nanoseconds: false })).toEqual(before);
    await expect(stat('/tmp/holdfast-victim')).rejects.toThrow('ENOENT');
  });
});

describe('S14: a restore that is killed', () => {
  test('while it lays down leaves what lives alone; what is left is named, and removable', async () => {
    await using folder = await temporaryFolder();
    const { live, saved, before } = await savedTree(folder.path);
    const script = join(import.meta.dirname, '../support/file-trees-process.ts');
    const child = spawn(process.execPath, [script, 'stage', live, folder.path], { stdio: ['pipe', 'ignore', 'pipe'] });
    const tar = await readFile(join(saved.folder, 'files/data.tar'));
    child.stdin.write(tar.subarray(0, tar.length - 2048));
    await until(
      async () => (await readdir(folder.path)).some((name) => name.startsWith('live.holdfast-')),
      'a folder being laid down',
    );
    child.kill('SIGKILL');
    await once(child, 'exit');

    expect(listTree(live, { nanoseconds: false })).toEqual(before);
    const left = (await readdir(folder.path)).find((name) => name.startsWith('live.holdfast-')) ?? '';
    const files = createFiles([tree(live)], contextIn(folder.path));
    expect(await files.check(signal)).toContainEqual(
      expect.objectContaining({
        name: 'files data left over',
        result: 'warning',
        detail: expect.stringContaining(left) as string,
      }),
    );
    await using staged = await treesOf(folder.path, [tree(live)]).stage(saved, all, task);
    expect(staged.warnings).toContainEqual(expect.stringContaining(left) as string);
  });

  test('between its two renames: doctor says where the folder is, and how to go back', async () => {
    await using folder = await temporaryFolder();
    const { live } = await savedTree(folder.path);
    const kept = `${live}.before-2026-11-20_05-15-00`;
    await rename(live, kept);
    const files = createFiles([tree(live)], contextIn(folder.path));
    expect(await files.check(signal)).toContainEqual(
      expect.objectContaining({ result: 'failed', hint: expect.stringContaining(`mv '${kept}' '${live}'`) as string }),
    );
  });

  test('or interrupted, removes what it laid down', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const stop = new AbortController();
    const endless: Saved = {
      ...saved,
      open: async () =>
        Readable.from(
          (async function* content() {
            yield (await readFile(join(saved.folder, 'files/data.tar'))).subarray(0, 4096);
            stop.abort();
            await new Promise<void>((resolve) => setTimeout(resolve, 60_000).unref());
          })(),
        ),
    };
    const staging = treesOf(folder.path, [tree(live)]).stage(endless, all, { ...task, signal: stop.signal });
    await expect(staging).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await readdir(folder.path)).toEqual(['backup', 'live']);
  });
});

describe('a rehearsal', () => {
  test('restores, compares, and leaves nothing', async () => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const result = await createFiles([tree(live)], contextIn(folder.path)).rehearse(saved, task);
    expect(result).toMatchObject({ ok: true, detail: '1 tree, 3 files equal', differences: [] });
    expect(await readdir(join(folder.path, 'scratch'))).toEqual([]);
  });

  test.skipIf(!root)('works for an ordinary user, also with folders that are read-only', async () => {
    await using folder = await temporaryFolder();
    const { live } = await savedTree(folder.path);
    await rm(join(folder.path, 'backup'), { recursive: true });
    await chmod(join(live, 'sub'), 0o555);
    await chmod(folder.path, 0o777);
    const script = join(import.meta.dirname, '../support/file-trees-process.ts');
    const args = [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      script,
      'rehearse',
      live,
      folder.path,
    ];
    const { stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', env: { HOME: '/nonexistent' } });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, warnings: [expect.stringContaining('only root') as string] });
    expect(await readdir(join(folder.path, 'scratch'))).toEqual([]);
  });

  test('of a sparse file gives it its holes back', async () => {
    await using folder = await temporaryFolder();
    const live = join(folder.path, 'live');
    await mkdir(live);
    await writeFile(join(live, 'sparse'), 'begin');
    await truncate(join(live, 'sparse'), 300 * 1024 * 1024);
    const saved = await saveTrees(folder.path, [tree(live)]);
    await using staged = await treesOf(folder.path, [tree(live)]).stage(saved, all, task);
    await staged.swap(signal);
    const restored = await stat(join(live, 'sparse'));
    expect(restored.size).toBe(300 * 1024 * 1024);
    expect(restored.blocks * 512).toBeLessThan(1024 * 1024);
    await using file = await open(join(live, 'sparse'));
    expect((await file.read(Buffer.alloc(6), 0, 6, 0)).buffer.toString()).toBe('begin\0');
  });
});

describe('tars of other programs', () => {
  test.each(['gnu', 'pax', 'ustar', 'oldgnu'])('GNU tar, format %s, is read', async (format) => {
    await using folder = await temporaryFolder();
    const { live, saved } = await savedTree(folder.path);
    const deep = join(live, 'x'.repeat(format === 'ustar' ? 40 : 140));
    await mkdir(deep);
    await writeFile(join(deep, format === 'ustar' ? 'file' : 'y'.repeat(120)), 'deep');
    const again = await saveTrees(join(folder.path, 'again'), [tree(live)]);
    const { stdout, status } = spawnSync('tar', [`--format=${format}`, '-cf', '-', '-C', live, '.'], {
      maxBuffer: 1 << 28,
    });
    expect(status).toBe(0);
    const foreign = withTar(again, stdout);
    const files = createFiles([tree(live)], contextIn(folder.path));
    await expect(files.readThrough(foreign, signal)).resolves.toMatchObject({ detail: '1 tree, 4 files' });
    await using staged = await treesOf(folder.path, [tree(live)]).stage(foreign, all, task);
    await staged.swap(signal);
    expect(sameContent(live, staged.trees[0]?.target ?? '')).toBe(true);
    expect(saved.parts).toHaveLength(1);
  });
});

/** Three files, a link and a folder below `live`, and a backup of it. */
async function savedTree(folder: string): Promise<{ live: string; saved: SavedTrees; before: string[] }> {
  const live = join(folder, 'live');
  await mkdir(join(live, 'sub'), { recursive: true });
  await writeFile(join(live, 'a'), 'content of a'.slice(0, 12));
  await writeFile(join(live, 'sub/b'), 'b'.repeat(99_990));
  await writeFile(join(live, 'sub/c'), 'c');
  await symlink('sub/b', join(live, 'link'));
  await chmod(live, 0o755);
  return { live, saved: await saveTrees(folder, [tree(live)]), before: listTree(live, { nanoseconds: false }) };
}

function withTar(saved: Saved, tar: Buffer): Saved {
  return { ...saved, open: async () => Readable.from([tar]) };
}

function withFacts(saved: SavedTrees, changes: Record<string, unknown>): Saved {
  const { trees } = saved.facts as { trees: Record<string, unknown>[] };
  const reopen = async (name: string) => createReadStream(join(saved.folder, name));
  return { ...saved, facts: { trees: trees.map((facts) => ({ ...facts, ...changes })) }, open: reopen };
}

function tarOf(members: readonly Partial<Member>[]): Buffer {
  const pieces = members.map((changes) => {
    const usual = {
      kind: 'file',
      path: 'x',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      modified: 0n,
      target: '',
      regions: null,
    } as const;
    const member: Member = { ...usual, ...changes };
    const content = member.regions
      ? Buffer.concat([Buffer.from(`1\n${member.size}\n0\n`), Buffer.alloc(block)]).subarray(0, block)
      : Buffer.alloc(0);
    const head = Buffer.alloc(mostHead);
    return Buffer.concat([
      head.subarray(0, writeHead(head, 0, member, content.length)),
      content,
      Buffer.alloc(padded(content.length) - content.length),
    ]);
  });
  return Buffer.concat([...pieces, Buffer.alloc(2 * block)]);
}
