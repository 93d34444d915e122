import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deployFolder, readStacks } from '../support/stacks.ts';

/** The programs that the scripts call are stand-ins: each writes down its arguments, one to a line, and may answer. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-deploy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function standIn(name: string, script = ''): void {
  const record = `{ for word in "$@"; do printf '%s\\n' "$word"; done; echo --; } >> '${join(folder, 'calls')}'`;
  writeFileSync(join(folder, name), `#!/bin/sh\n${record}\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** One list of arguments for each call. */
function calls(): string[][] {
  const text = readFileSync(join(folder, 'calls'), 'utf8');
  return text
    .split('--\n')
    .slice(0, -1)
    .map((call) => call.split('\n').slice(0, -1));
}

function run(
  program: string,
  args: string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: { PATH: `${folder}:/usr/bin:/bin`, ...env },
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const make = (args: string[], options?: Parameters<typeof run>[2]) =>
  run('make', ['-s', '-C', deployFolder, ...args], options);

test.each(['before-start', 'stack', 'minio/init.sh'])('%s is a script for any shell', (name) => {
  expect(run('sh', ['-n', join(deployFolder, name)])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(join(deployFolder, name), 'utf8')).toMatch(/^#!\/bin\/sh\n/);
});

describe('before-start (N-46)', () => {
  const beforeStart = (env: Record<string, string> = {}) => run('sh', [join(deployFolder, 'before-start')], { env });
  const fails = (words: string) => `case "$*" in ${words}) exit 1 ;; esac`;

  test('N-47 N-49 N-d23 waits, compares collations, and empties nothing unless asked', () => {
    standIn('holdfast');
    expect(beforeStart()).toMatchObject({ status: 0 });
    expect(calls()).toEqual([
      ['wait-for-database', '--timeout', '60s'],
      ['collation', 'check'],
    ]);
  });

  test('N-48 N-d6 repairs by rebuilding when asked, and cleans up when asked', () => {
    standIn('holdfast');
    const env = { DB_WAIT_TIMEOUT: '2m', INIT_COLLATION_AUTO_FIX: 'true', INIT_AUDIT_CLEANUP: 'True' };
    expect(beforeStart(env)).toMatchObject({ status: 0 });
    expect(calls()).toEqual([
      ['wait-for-database', '--timeout', '2m'],
      ['collation', 'fix', '--yes'],
      ['nocodb', 'audit-cleanup', '--older-than', '90d', '--yes'],
    ]);
  });

  test('all of it can be left out but the waiting', () => {
    standIn('holdfast');
    expect(beforeStart({ INIT_COLLATION_CHECK: 'false' })).toMatchObject({ status: 0 });
    expect(calls()).toEqual([['wait-for-database', '--timeout', '60s']]);
  });

  test('without a database nothing else is tried, and the application does not start', () => {
    standIn('holdfast', fails('wait*'));
    expect(beforeStart()).toMatchObject({ status: 1 });
    expect(calls()).toHaveLength(1);
  });

  test('a difference is told and does not keep the application from starting', () => {
    standIn('holdfast', fails('*check'));
    const { status, stderr } = beforeStart();
    expect(status).toBe(0);
    expect(stderr).toContain('INIT_COLLATION_AUTO_FIX=true');
  });

  test('a step that failed does not keep the next from its work, and the application does not start', () => {
    standIn('holdfast', fails('*fix*'));
    expect(beforeStart({ INIT_COLLATION_AUTO_FIX: '1', INIT_AUDIT_CLEANUP: 'on' })).toMatchObject({ status: 1 });
    expect(calls().at(-1)?.slice(0, 2)).toEqual(['nocodb', 'audit-cleanup']);
  });

  test('what is refused is told and does not keep the application from starting', () => {
    standIn('holdfast', 'case "$*" in nocodb*) exit 4 ;; esac');
    expect(beforeStart({ INIT_AUDIT_CLEANUP: 'true', INIT_AUDIT_OLDER_THAN: '7d' })).toMatchObject({ status: 0 });
    expect(calls().at(-1)).toEqual(['nocodb', 'audit-cleanup', '--older-than', '7d', '--yes']);
  });

  test('nonsense is refused', () => {
    standIn('holdfast');
    const { status, stderr } = beforeStart({ INIT_COLLATION_CHECK: 'maybe' });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: "error: INIT_COLLATION_CHECK must be true or false, is 'maybe'\n",
    });
  });
});

describe('MinIO for development (N-51)', () => {
  const init = (bucket: string) =>
    run('sh', [join(deployFolder, 'minio/init.sh')], {
      env: {
        MINIO_URL: 'http://minio:9000',
        MINIO_ROOT_USER: 'root user',
        MINIO_ROOT_PASSWORD: "it's $secret",
        BUCKET: bucket,
        ACCESS_KEY: 'service',
        SECRET_KEY: 'a secret',
        MC_CONFIG_DIR: join(folder, 'mc-config'),
      },
    });

  test('a private bucket, a user made anew, a policy for this bucket', () => {
    standIn('mc');
    expect(init('backups')).toMatchObject({ status: 0, stderr: '' });
    const file = join(folder, 'mc-config/holdfast-backups.json');
    expect(calls().map(([, ...rest]) => rest)).toEqual([
      ['alias', 'set', 'local', 'http://minio:9000', 'root user', "it's $secret"],
      ['mb', '--ignore-existing', 'local/backups'],
      ['anonymous', 'set', 'none', 'local/backups'],
      ['admin', 'user', 'remove', 'local', 'service'],
      ['admin', 'user', 'add', 'local', 'service', 'a secret'],
      ['admin', 'policy', 'create', 'local', 'holdfast-backups', file],
      ['admin', 'policy', 'attach', 'local', 'holdfast-backups', '--user', 'service'],
    ]);
    const { Statement } = JSON.parse(readFileSync(file, 'utf8')) as {
      Statement: { Effect: string; Action: string[]; Resource: string[] }[];
    };
    expect(Statement.map(({ Effect, Resource }) => [Effect, Resource])).toEqual([
      ['Allow', ['arn:aws:s3:::backups']],
      ['Allow', ['arn:aws:s3:::backups/*']],
    ]);
    expect(Statement.flatMap(({ Action }) => Action).toSorted()).toEqual([
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:GetBucketLocation',
      's3:GetObject',
      's3:ListBucket',
      's3:ListBucketMultipartUploads',
      's3:ListMultipartUploadParts',
      's3:PutObject',
    ]);
  });

  test('may run again: a user that is not there yet is no error, everything else is', () => {
    standIn('mc', 'case "$*" in *remove*) exit 1 ;; esac');
    expect(init('backups')).toMatchObject({ status: 0 });
    standIn('mc', 'case "$*" in *attach*) exit 1 ;; esac');
    expect(init('backups')).toMatchObject({ status: 1 });
  });
});

describe('make (J-15)', () => {
  const running = 'case "$*" in *" ps "*) echo 0123456789ab ;; esac';

  test.each([
    ['start', ['compose', '--profile', 'backup', 'up', '--detach', '--wait']],
    ['stop', ['compose', '--profile', '*', 'down']],
    ['backup-logs', ['compose', '--profile', '*', 'logs', '--follow', '--tail', '100', 'backup']],
    ['dev-up', ['compose', '--profile', 'minio', '--profile', 'backup', 'up', '--detach', '--wait']],
  ])('%s', (target, expected) => {
    standIn('docker', 'pwd');
    const { status, stdout } = make([target, 'STACK=nocodb']);
    expect(status).toBe(0);
    expect(calls()).toEqual([expected]);
    expect(stdout.trim()).toBe(join(deployFolder, 'compose', target === 'dev-up' ? 'nocodb-development' : 'nocodb'));
  });

  test.each([
    ['backup-list', ['list']],
    ['backup-manual', ['backup']],
    ['backup-show', ['show', 'latest']],
    ['backup-verify', ['verify', 'latest']],
    ['backup-drill', ['drill', 'latest']],
    ['backup-check', ['check']],
    ['backup-report', ['report']],
    ['backup-health', ['health']],
    ['backup-status', ['status']],
  ])('%s works in the running container, and in one of its own when none runs', (target, command) => {
    standIn('docker', running);
    expect(make([target])).toMatchObject({ status: 0 });
    expect(calls().at(-1)).toEqual(['compose', '--profile', '*', 'exec', '-T', 'backup', 'holdfast', ...command]);
    standIn('docker');
    expect(make([target])).toMatchObject({ status: 0 });
    expect(calls().at(-1)).toEqual(['compose', 'run', '--rm', '-T', 'backup', ...command]);
  });

  test('J-d9 backup-restore lists, asks, and does nothing without an answer', () => {
    standIn('docker', running);
    expect(make(['backup-restore'], { input: '\n' }).stdout).toContain('nothing was touched');
    expect(make(['backup-restore']).stdout).toContain('nothing was touched');
    expect(calls().flat()).not.toContain('restore');
    make(['backup-restore'], { input: '2026-11-20\n' });
    expect(calls().at(-1)).toEqual([
      'compose',
      '--profile',
      '*',
      'exec',
      '-T',
      'backup',
      'holdfast',
      'restore',
      '2026-11-20',
    ]);
  });

  test.each([`a'b`, `"; touch pwned; "`, '$(touch pwned)', '$(shell touch pwned)', '`touch pwned`', '--all', 'a b'])(
    'J-d11 S18 the name %j stays a name',
    (name) => {
      standIn('docker', running);
      make(['backup-show', `ID=${name}`], { env: { PWD: folder } });
      expect(calls().at(-1)?.slice(-2)).toEqual(['show', name]);
      make(['backup-restore'], { input: `${name}\n` });
      expect(calls().at(-1)?.slice(-2)).toEqual(['restore', name]);
      expect(() => readFileSync(join(deployFolder, 'pwned'))).toThrow();
    },
  );

  test('what fails inside fails outside', () => {
    standIn('docker', `${running}\ncase "$*" in *exec*) exit 6 ;; esac`);
    expect(make(['backup-verify']).status).not.toBe(0);
    expect(run(join(deployFolder, 'stack'), ['postgres', 'verify', 'latest']).status).toBe(6);
  });

  test('every target is in the help, and none does anything in a dry run', () => {
    standIn('docker');
    const text = readFileSync(join(deployFolder, 'Makefile'), 'utf8');
    const targets = [...text.matchAll(/^([a-z-]+):/gm)].map(([, target = '']) => target);
    expect(targets).toEqual(
      expect.arrayContaining(['start', 'dev-up', 'backup-list', 'backup-manual', 'backup-logs', 'backup-restore']),
    );
    const help = make(['help']).stdout;
    for (const target of targets) expect(help).toContain(`  ${target} `);
    for (const { name } of readStacks()) expect(help).toContain(name);
    expect(make(['-n', ...targets])).toMatchObject({ status: 0, stderr: '' });
    expect(() => calls()).toThrow();
  });
});
