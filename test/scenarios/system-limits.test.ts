import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtProgram } from '../support/built-program.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let holdfast: Installation;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table t as select 1 as n');
  holdfast = await installHoldfast({ url: server.url('shop') });
});
afterAll(async () => {
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Around where a backup begins to succeed each of them several times: who gets the last file is a matter of luck. */
const limits = [26, 28, 30, ...Array.from({ length: 4 }, () => [32, 33, 34, 35]).flat(), 36, 38, 40, 42, 44, 46];

async function withFiles(limit: number): Promise<{ status: number; stderr: string }> {
  const { program, env } = builtProgram();
  const script = `ulimit -n ${limit} && exec "$0" backup`;
  const options = { cwd: holdfast.folder, env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env } };
  try {
    const { stderr } = await promisify(execFile)('bash', ['-c', script, program], options);
    return { status: 0, stderr };
  } catch (error) {
    const { code = 0, stderr = '' } = error as { code?: number; stderr?: string };
    return { status: code, stderr };
  }
}

test('a process that may have few files open says so, whatever it was doing, and leaves nothing half done', async () => {
  let [limited, done] = [0, 0];
  // With fewer than twenty, Node itself ends before a line of ours runs.
  for (const limit of limits) {
    const { status, stderr } = await withFiles(limit);
    if (status === 0) done += 1;
    else {
      limited += 1;
      expect(stderr, `${limit} files`).toMatch(/\(SYSTEM_LIMIT\)\n.*hint: .*ulimit -n/s);
      expect(status).toBe(1);
    }
  }
  expect(limited).toBeGreaterThan(0);
  expect(done).toBeGreaterThan(0);
  const kept = await readdir(`${holdfast.storage}/shop`);
  expect(kept).toHaveLength(done);
  expect(kept.filter((name) => name.startsWith('.'))).toEqual([]);
  expect(
    await server.sql('postgres', "select 1 from pg_stat_activity where application_name like 'holdfast%'"),
  ).toEqual([]);
});
