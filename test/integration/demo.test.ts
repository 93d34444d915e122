import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtProgram, programFromSource } from '../support/built-program.ts';
import { until } from '../support/until.ts';

const holdfast = builtProgram();

/** Only root can hide the installed servers from one program. */
const mayHide = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/usr/lib/postgresql']).status === 0;

/** A folder for temporary files of its own, open enough for the user a server of root runs as: what is left in it was left behind. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]) {
  return startProgram(holdfast.program, args);
}

function startProgram(program: string, args: string[]) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(program, args, {
    env: { PATH, HOME, TMPDIR: folder, LC_ALL: 'C.UTF-8', ...holdfast.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, ...said }));
  });
  return { child, said, ended };
}

/** Programs that were started below our folder for temporary files and still run. */
function stillRunning(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(folder));
}

describe('holdfast demo', () => {
  test('backs up, drills, has an accident, restores, proves it row for row, and leaves nothing', async () => {
    const { status, stdout, stderr } = await startProgram(programFromSource, ['demo', '--json']).ended;
    expect({ status }, stderr).toEqual({ status: 0 });
    const result = JSON.parse(stdout) as { seconds: number; rows: number; tables: number; fingerprints: number };
    expect(result).toMatchObject({ ok: true, kept: null });
    expect(result.rows).toBeGreaterThan(100_000);
    expect(result.tables).toBeGreaterThanOrEqual(8);
    // Every table was compared by content, not by number of rows alone.
    expect(result.fingerprints).toBe(result.tables);
    expect(result.seconds).toBeLessThan(60);
    expect(stderr).toContain('orders: 0  (was 42,000)');
    expect(stderr).toContain('gone');
    expect(readdirSync(folder)).toEqual([]);
    expect(stillRunning()).toEqual([]);
  });

  test.each([
    ['while the server starts', 'throw-away PostgreSQL'],
    ['while the shop is filled', '✓ server'],
    ['in the backup', 'holdfast backup'],
    ['in the drill', 'holdfast drill'],
    ['in the restore', '✓ safety backup'],
  ])('Ctrl-C %s leaves nothing running and nothing lying about', async (_when, line) => {
    const { child, said, ended } = start('demo');
    await until(() => said.stderr.includes(line), line);
    child.kill('SIGINT');
    expect((await ended).status).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
    expect(stillRunning()).toEqual([]);
  });

  test('--keep leaves a configuration and backups that the printed commands work with', async () => {
    const { status, stdout, stderr } = await start('demo', '--keep').ended;
    expect({ status }, stderr).toEqual({ status: 0 });
    const lines = [...stdout.matchAll(/^ {2}holdfast (.+)$/gm)].map(([, line]) => (line as string).split(' '));
    expect(lines.length).toBeGreaterThanOrEqual(3);
    for (const args of lines) {
      const ran = await start(...args).ended;
      expect({ args, status: ran.status }, ran.stderr).toEqual({ args, status: 0 });
    }
    const kept = /Kept: (\S+)/.exec(stdout)?.[1] ?? '';
    expect(existsSync(join(kept, 'holdfast.yaml'))).toBe(true);
    expect(readdirSync(folder)).toEqual([kept.split('/').at(-1)]);
    expect(stillRunning()).toEqual([]);
  });

  describe.skipIf(!mayHide)('without an installed server it takes an SQLite file', () => {
    const hidden = (...args: string[]) =>
      startProgram('unshare', [
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs tmpfs /usr/lib/postgresql && exec "$0" "$@"',
        holdfast.program,
        ...args,
      ]);

    test('for the whole tour, and leaves nothing', async () => {
      const { status, stdout, stderr } = await hidden('demo', '--json').ended;
      expect({ status }, stderr).toEqual({ status: 0 });
      const result = JSON.parse(stdout) as { rows: number; tables: number; fingerprints: number };
      expect(result).toMatchObject({ ok: true, engine: 'sqlite', kept: null });
      expect(result.rows).toBeGreaterThan(100_000);
      expect(result.tables).toBeGreaterThanOrEqual(8);
      expect(result.fingerprints).toBe(result.tables);
      expect(stderr).toContain('apt-get install postgresql');
      expect(stderr).toContain('orders: 0  (was 42,000)');
      expect(stderr).toContain('gone');
      expect(readdirSync(folder)).toEqual([]);
      expect(stillRunning()).toEqual([]);
    });

    test.each([
      ['while the shop is filled', '✓ file'],
      ['in the backup', 'holdfast backup'],
      ['in the restore', '✓ safety backup'],
    ])('Ctrl-C %s leaves nothing running and nothing lying about', async (_when, line) => {
      const { child, said, ended } = hidden('demo');
      await until(() => said.stderr.includes(line), line);
      child.kill('SIGINT');
      expect((await ended).status).toBe(130);
      expect(readdirSync(folder)).toEqual([]);
      expect(stillRunning()).toEqual([]);
    });

    test('--keep leaves a configuration, the database and backups that the printed commands work with', async () => {
      const { status, stdout, stderr } = await hidden('demo', '--keep').ended;
      expect({ status }, stderr).toEqual({ status: 0 });
      const lines = [...stdout.matchAll(/^ {2}holdfast (.+)$/gm)].map(([, line]) => (line as string).split(' '));
      expect(lines.length).toBeGreaterThanOrEqual(3);
      for (const args of lines) {
        const ran = await hidden(...args).ended;
        expect({ args, status: ran.status }, ran.stderr).toEqual({ args, status: 0 });
      }
      const kept = /Kept: (\S+)/.exec(stdout)?.[1] ?? '';
      expect(existsSync(join(kept, 'shop/shop.sqlite'))).toBe(true);
      expect(readdirSync(folder)).toEqual([kept.split('/').at(-1)]);
    });
  });
});
