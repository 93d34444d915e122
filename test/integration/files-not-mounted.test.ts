import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFiles } from '../../src/apps/files/files.ts';
import { builtProgram } from '../support/built-program.ts';
import { contextIn, saveTrees, signal, tree } from '../support/file-trees.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const all = { only: null, to: null };
const inNamespace = ['-m', 'sh', '-c', 'mount --bind "$1" /etc/fstab && shift && exec "$@"', 'sh'];
const mayUnshare = process.getuid?.() === 0 && spawnSync('unshare', [...inNamespace, '/dev/null', 'true']).status === 0;

test('S3 a folder whose disk is not mounted any more is not restored into: what comes back would lie on another one', async () => {
  await using folder = await temporaryFolder();
  const disk = await smallDisk(20);
  if (!disk) return;
  const live = join(disk.path, 'uploads');
  await mkdir(live);
  await writeFile(join(live, 'a'), 'a');
  const saved = await saveTrees(join(folder.path, 'saved'), [tree(live)]);
  expect(saved.facts).toMatchObject({ trees: [{ mount: disk.path }] });
  const files = createFiles([tree(live)], contextIn(folder.path));
  expect(await files.trees?.plan(saved, all, signal)).toMatchObject([{ replaces: true }]);
  // Its own way of ending removes the folder with all that is below it.
  spawnSync('umount', [disk.path]);
  try {
    const refused = { code: 'FILES_NOT_MOUNTED', kind: 'refused', hint: expect.stringContaining(`rmdir ${disk.path}`) };
    await expect(files.trees?.plan(saved, all, signal)).rejects.toMatchObject(refused);
    expect(await readdir(disk.path)).toEqual([]);
    // Elsewhere, and where somebody has decided.
    const to = join(folder.path, 'elsewhere');
    expect(await files.trees?.plan(saved, { only: null, to }, signal)).toHaveLength(1);
    await rmdir(disk.path);
    expect(await files.trees?.plan(saved, all, signal)).toMatchObject([{ replaces: false }]);
  } finally {
    await mkdir(disk.path, { recursive: true });
    spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', disk.path]);
    await disk[Symbol.asyncDispose]();
  }
});

test.skipIf(!mayUnshare)(
  'S3 where /etc/fstab has a disk that is not there, its folder is neither saved nor restored into, and doctor says so',
  async () => {
    await using folder = await temporaryFolder();
    const mount = join(folder.path, 'disk');
    const uploads = join(mount, 'uploads');
    await mkdir(uploads, { recursive: true });
    await writeFile(join(uploads, 'a'), 'a');
    await using holdfast = await installHoldfast({
      url: '',
      settings: { database: undefined, files: [{ name: 'uploads', path: uploads }] },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const table = join(folder.path, 'fstab');
    await writeFile(table, `UUID=1 ${mount} ext4 defaults,nofail 0 2\n`);
    const { program, env } = builtProgram();
    const run = (...args: string[]) =>
      spawnSync('unshare', [...inNamespace, table, program, ...args], {
        cwd: holdfast.folder,
        env: { PATH: process.env['PATH'] ?? '', ...env },
        encoding: 'utf8',
      });
    for (const command of [['backup'], ['restore', 'files', id, '--yes']]) {
      const { status, stderr } = run(...command);
      expect(status, stderr).not.toBe(0);
      expect(stderr).toContain('FILES_NOT_MOUNTED');
      expect(stderr).toContain(`mount ${mount}`);
    }
    expect(await holdfast.stored()).toEqual([id]);
    expect(run('doctor').stdout).toContain('/etc/fstab says');
  },
);
