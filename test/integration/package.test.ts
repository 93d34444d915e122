import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres } from '../support/postgres.ts';

const root = join(import.meta.dirname, '../..');

/** As a user has it: npm and the programs of this machine, not those of the checkout. */
const env = {
  HOME: process.env.HOME ?? '',
  PATH: (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter),
  ...Object.fromEntries(['TMPDIR', 'NODE_EXTRA_CA_CERTS'].flatMap((name) => pairOf(name))),
};

/** Where there is one: behind a proxy of a company npm knows the registry's authority by it only. */
function pairOf(name: string): [string, string][] {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value]];
}

let folder: string;
let installed: string;
let packed: { filename: string; files: { path: string; size: number }[] };

function run(program: string, args: string[], cwd = folder) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, stdout, stderr };
}

function npm(args: string[], cwd?: string): string {
  const { status, stdout, stderr } = run('npm', args, cwd);
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-package-'));
  installed = join(folder, 'prefix/bin/holdfast');
  const printed = npm(['pack', '--json', '--silent', '--pack-destination', folder], root);
  [packed] = JSON.parse(printed.slice(printed.indexOf('[\n'))) as [typeof packed];
  npm(['install', '--global', '--prefix', join(folder, 'prefix'), '--prefer-offline', join(folder, packed.filename)]);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  test('holds the program, its manual and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const foreign = paths.filter(
      (path) =>
        !/^(bin\/holdfast|package\.json|LICENSE|README(\.de)?\.md|CHANGELOG\.md|SECURITY\.md|docs\/[\w.-]+\.(md|json)|dist\/[^/]+\.js|dist\/THIRD-PARTY-NOTICES\.txt|dist\/ui\/index\.html|dist\/ui\/icon\.svg(\.br|\.gz)?|dist\/ui\/assets\/[\w-]+\.(js|css)(\.br|\.gz)?)$/.test(
          path,
        ),
    );
    expect(foreign).toEqual([]);
    expect(paths).toEqual(
      expect.arrayContaining(['bin/holdfast', 'dist/main.js', 'dist/ui/index.html', 'LICENSE', 'README.md']),
    );
    expect(paths.filter((path) => path.includes('.test.'))).toEqual([]);
    // With its libraries inside, which weigh ten times as much when they are installed one by one.
    expect(packed.files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(11_000_000);
    expect(paths).toContain('dist/THIRD-PARTY-NOTICES.txt');
  });

  test('brings its runtime and no development tools', () => {
    const modules = readdirSync(join(folder, 'prefix/lib/node_modules/holdfast/node_modules'));
    expect(modules.filter((name) => name.startsWith('node-'))).toHaveLength(1);
    expect(modules.filter((name) => /vitest|oxlint|typescript|^pg-server|aws-sdk|rolldown/.test(name))).toEqual([]);
    expect(existsSync(join(folder, 'prefix/bin/node'))).toBe(false);
  });

  test('holdfast --version and --help', () => {
    const { version } = JSON.parse(run('cat', [join(root, 'package.json')]).stdout) as { version: string };
    expect(run(installed, ['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    const help = run(installed, ['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('backup');
  });

  test('a backup, its proof and a restore with the installed program', async () => {
    await using server = await startPostgres();
    await server.createDatabase('shop');
    await server.sql(
      'shop',
      'create table item as select n as id, md5(n::text) as name from generate_series(1, 1000) n',
    );
    await using place = await installHoldfast({ url: server.url('shop') });
    const holdfast = (...args: string[]) => {
      const result = run(installed, [...args, '--config', place.configFile], place.folder);
      expect(result, `holdfast ${args.join(' ')}\n${result.stderr}`).toMatchObject({ status: 0 });
      return result.stdout;
    };
    expect(JSON.parse(holdfast('backup', '--json'))).toMatchObject({ state: 'succeeded', tables: 1, rows: 1000 });
    expect(JSON.parse(holdfast('drill', '--json'))).toMatchObject({ ok: true });
    await server.sql('shop', 'drop table item');
    holdfast('restore', 'latest', '--yes');
    expect(await server.sql('shop', 'select count(*)::int as n from item')).toEqual([{ n: 1000 }]);
  });
});

describe('the launcher', () => {
  test('without any new enough Node it says what to do, with exit code 2', () => {
    const bare = join(folder, 'bare');
    run('mkdir', ['-p', join(bare, 'bin'), join(bare, 'dist')]);
    run('cp', [join(root, 'bin/holdfast'), join(bare, 'bin/holdfast')]);
    run('sh', ['-c', 'ln -s "$(command -v dirname)" bare/bin/']);
    const { status, stderr } = spawnSync('/bin/sh', [join(bare, 'bin/holdfast'), 'list'], {
      env: { PATH: join(bare, 'bin') },
      encoding: 'utf8',
    });
    expect({ status, error: stderr.split('\n')[0] }).toEqual({
      status: 2,
      error: 'error: no Node.js 24 or newer found (NODE_MISSING)',
    });
    expect(stderr).toContain('hint:');
  });

  test('through a link, from another folder', () => {
    run('ln', ['-s', join(root, 'bin/holdfast'), join(folder, 'linked')]);
    expect(run(join(folder, 'linked'), ['--version'])).toMatchObject({ status: 0, stderr: '' });
  });
});
