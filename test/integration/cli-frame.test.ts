import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'bin/holdfast');
const { PATH = '', HOME = '' } = process.env;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-frame-'));
  chmodSync(folder, 0o755);
  // Nothing answers there: these commands must not need the database.
  writeFileSync(
    join(folder, 'holdfast.yaml'),
    'sources: { shop: { database: { url: "postgres://nobody@127.0.0.1:1/shop" } } }\nstorages: { local: { type: local, path: ./backups } }\n',
    { mode: 0o600 },
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(
  args: string[],
  options: { env?: Record<string, string>; cwd?: string; program?: string; uid?: number } = {},
) {
  const ended = spawnSync(options.program ?? program, args, {
    encoding: 'utf8',
    cwd: options.cwd ?? folder,
    env: { PATH, HOME, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

describe('help', () => {
  const all = commands.flatMap((command) => [
    [command.name],
    ...(command.commands ?? []).map((below) => [command.name, below.name]),
  ]);

  test.each(all)('%s %s --help explains itself with an example', (...path) => {
    const words = path.filter((word) => typeof word === 'string');
    const { status, stdout, stderr } = run([...words, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: holdfast ${words.join(' ')}`);
    expect(stdout).toMatch(/Examples:\n.*holdfast /s);
  });

  test('--help names every command; the name alone gives a short overview', () => {
    const help = run(['--help']).stdout;
    for (const { name, group } of commands) if (group) expect(help).toContain(`  ${name} `);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const { status, stdout } = run([]);
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(14);
  });

  test('--version', () => {
    expect(run(['--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('usage and configuration', () => {
  test.each([
    [['lits'], 'COMMAND_UNKNOWN', 'Did you mean list?'],
    [['list', '--jsn'], 'OPTION_UNKNOWN', 'hint:'],
    [['verify', '--depth', 'deep'], 'VALUE_INVALID', 'structure'],
    [['delete'], 'ARGUMENT_MISSING', 'holdfast delete --help'],
    [['restore'], 'USAGE', 'holdfast list'],
    [['restore', './nothing.dump'], 'FILE_NOT_FOUND', 'dump'],
    [['drill', 'latest', '--target', 'moon'], 'USAGE', 'temporary'],
    [['list', '--source', 'nobody'], 'SOURCE_UNKNOWN', 'shop'],
    [['show', 'nothing'], 'BACKUP_UNKNOWN', 'holdfast backup'],
    [['logs'], 'RUN_UNKNOWN', 'holdfast runs'],
    [['list', '--config', 'missing.yaml'], 'CONFIG_MISSING', 'missing.yaml'],
  ])('J-16 %j ends with 2, %s and a hint', (args, code, hint) => {
    const { status, stdout, stderr } = run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('--debug shows where an error came from', () => {
    expect(run(['list', '--source', 'nobody', '--debug']).stderr).toMatch(/^\s+at .+\.ts:\d+/m);
  });
});

describe('output', () => {
  test.each([
    [['list', '--json'], []],
    [['runs', '--json'], expect.any(Array)],
    [['status', '--json'], [expect.objectContaining({ source: 'shop', backups: 0, newest: null })]],
    [['prune', '--dry-run', '--json'], [expect.objectContaining({ source: 'shop', decisions: [] })]],
    [['schema'], expect.objectContaining({ type: 'object' })],
  ])('%j prints nothing but JSON', (args, expected) => {
    const { status, stdout } = run(args);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  test('with --json an error is one line of JSON on the error output', () => {
    const { status, stdout, stderr } = run(['show', 'nothing', '--json']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'BACKUP_UNKNOWN', message: expect.any(String), hint: expect.any(String), cause: null },
    });
  });

  test('colours only where they are wanted', () => {
    const escape = '\u001B[';
    expect(run(['--help']).stdout).not.toContain(escape);
    expect(run(['--help'], { env: { FORCE_COLOR: '1' } }).stdout).toContain(escape);
    expect(run(['--help', '--no-color'], { env: { FORCE_COLOR: '1' } }).stdout).not.toContain(escape);
    expect(run(['nothing'], { env: { FORCE_COLOR: '1' } }).stderr).toContain(escape);
    expect(run(['nothing'], { env: { NO_COLOR: '1' } }).stderr).not.toContain(escape);
  });

  test('a reader that goes away is no error, and no stack', async () => {
    const child = spawn(program, ['schema'], { cwd: folder, env: { PATH, HOME }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('how it is started', () => {
  test('through a symlink and from a folder that is not its own', () => {
    mkdirSync(join(folder, 'path with spaces'));
    const link = join(folder, 'path with spaces', 'hf');
    symlinkSync(program, link);
    symlinkSync('hf', join(dirname(link), 'again'));
    for (const each of [link, join(dirname(link), 'again')]) {
      expect(run(['--version'], { program: each, cwd: '/' })).toMatchObject({ status: 0, stderr: '' });
    }
  });

  test.skipIf(process.getuid?.() !== 0 || !othersMayRead(root))('by another user, without a home of its own', () => {
    const nobody = 65_534;
    expect(run(['--version'], { uid: nobody, cwd: '/', env: { HOME: '/nonexistent' } })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('code that Node kept is only taken from a folder of the user’s own', () => {
    const cache = join(folder, 'cache');
    expect(run(['--version'], { env: { XDG_CACHE_HOME: cache } }).status).toBe(0);
    expect(statSync(join(cache, 'holdfast')).mode & 0o777).toBe(0o700);
  });
});

function othersMayRead(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
    if (dirname(at) === at) return true;
  }
}
