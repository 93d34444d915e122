import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { deployFolder, readStacks } from '../support/stacks.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What a container gives its process, without one: the user, the capabilities, and the folder as a mount. */
const bin = join(deployFolder, '../bin/holdfast');
const canMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'setpriv', '--no-new-privs', '--bounding-set', '-all', 'true']).status === 0;

function rightsOf(stack: string): string[] {
  const { user, cap_drop, cap_add = [] } = readStacks().find(({ name }) => name === stack)?.services['backup'] ?? {};
  expect({ user, cap_drop }).toEqual({ user: '0:0', cap_drop: ['ALL'] });
  const set = ['-all', ...cap_add.map((name) => `+${name.toLowerCase()}`)].join(',');
  return ['setpriv', '--no-new-privs', '--inh-caps', '-all', '--bounding-set', set];
}

test.skipIf(!canMount).each(['nocodb', 'nocobase'])(
  'N-40 %s: the rights of its backup are enough to save the files of other users in a volume, and to bring them back as they were',
  async (stack) => {
    await using folder = await temporaryFolder();
    const at = (...path: string[]) => join(folder.path, ...path);
    for (const name of ['data', 'temporary']) mkdirSync(at(name));
    // As the image makes its volumes.
    for (const name of ['backups', 'state']) {
      mkdirSync(at(name));
      chmodSync(at(name), 0o700);
      chownSync(at(name), 1000, 1000);
    }
    const holdfast = rightsOf(stack).concat('env', '-i', `PATH=${dirname(process.execPath)}:/usr/bin:/bin`, [
      `TMPDIR=${at('temporary')}`,
      `HOLDFAST_STATE=${at('state')}`,
      `HOLDFAST_STORAGE_PATH=${at('backups')}`,
      `HOLDFAST_FILES=data=${at('data')}`,
      bin,
    ]);
    const script = `set -e
cd "$1"; shift
mount --bind data data
mkdir data/keys
echo before > data/upload; chown 33:33 data/upload; chmod 640 data/upload
echo key > data/keys/key; chmod 600 data/keys/key
"$@" backup
echo after > data/upload; rm -r data/keys; echo more > data/more
"$@" restore files latest --force --keep-old
cat data/.holdfast-before-*/more
cd data; find . -path './.holdfast*' -prune -o -type f -printf '%P %U:%G %m ' -exec cat {} ';'; cd ..
mount -o remount,bind,ro data
"$@" backup
"$@" restore files latest --force --no-safety-backup || echo "ends with $?"`;
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', script, 'sh', folder.path, ...holdfast],
      { encoding: 'utf8' },
    );
    expect(status, `${stdout}${stderr}`).toBe(0);
    // A mount cannot be renamed: what lived is inside of it.
    expect(stdout).toMatch(/^more$/m);
    expect(stdout).toMatch(/^upload 33:33 640 before$/m);
    expect(stdout).toMatch(/^keys\/key 0:0 600 key$/m);
    expect(stdout).not.toMatch(/^more 0:0/m);
    expect(stderr).toContain('NO_PERMISSION');
    expect(stdout).toMatch(/^ends with 1$/m);
  },
);
