import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

/** Appears nowhere else; wherever it turns up, it leaked. */
const canary = 'nachtigall-"0815"-geheim';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql('postgres', `create role keeper login superuser password '${canary}'`);
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders as select generate_series(1, 100) as id');
});
afterAll(() => server[Symbol.asyncDispose]());

interface Line {
  at: string;
  level: string;
  message: string;
  run?: string;
  operation?: string;
  source?: string;
  code?: string;
}

/** Every line is an object with time, level and words, or the test fails here. */
function linesOf(text: string): Line[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const parsed = JSON.parse(line) as Line;
    expect(parsed.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(['debug', 'info', 'warn', 'error']).toContain(parsed.level);
    expect(parsed.message).not.toBe('');
    return parsed;
  });
}

const env = { HOLDFAST_LOG_FORMAT: 'json' };

test('N-07, J-20, S23: with HOLDFAST_LOG_FORMAT=json each step is one object on the error output, and --json stays as it is', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop', { user: 'keeper', password: canary }) });
  const { status, stdout, stderr } = await holdfast.runWith(
    { env: { ...env, HOLDFAST_LOG_LEVEL: 'debug' } },
    'backup',
    '--json',
    '--debug',
  );
  expect(status).toBe(0);
  const { run } = JSON.parse(stdout) as { run: string };
  const steps = linesOf(stderr).filter((line) => line.run === run && / done in /.test(line.message));
  expect(steps.length).toBeGreaterThan(2);
  for (const step of steps) expect(step).toMatchObject({ level: 'info', operation: 'backup', source: 'shop' });
  expect(new Set(steps.map(({ message }) => message)).size).toBe(steps.length);
  expect(stdout + stderr).not.toMatch(/nachtigall|0815/);
});

test('an error is an object, too, with code and hint; a format that does not exist is one in text', async () => {
  await using holdfast = await installHoldfast({ url: 'postgres://nobody@127.0.0.1:1/nothing' });
  const failed = await holdfast.runWith({ env }, 'backup');
  expect(failed.status).toBe(1);
  expect(linesOf(failed.stderr).at(-1)).toMatchObject({
    level: 'error',
    code: 'DATABASE_UNREACHABLE',
    hint: expect.stringMatching(/\.$/),
  });
  const wrong = await holdfast.runWith({ env: { HOLDFAST_LOG_FORMAT: 'xml' } }, 'backup');
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain('error: HOLDFAST_LOG_FORMAT is "xml", which is not a format');
  expect((await holdfast.runWith({ env: { HOLDFAST_LOG_FORMAT: 'text' } }, 'runs')).status).toBe(0);
});

test('N-07: the log of serve has a time on every line, as text and as JSON', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop', { user: 'keeper', password: canary }),
    settings: { schedule: { every: '24h', runOnStart: true } },
    top: { server: { listen: '127.0.0.1:0' } },
  });
  const serve = async (variables: Record<string, string>) => {
    const { child, ended } = holdfast.start(variables, 'serve');
    await until(async () => (await holdfast.run('health')).status === 0, 'the daemon is healthy');
    await until(async () => (await holdfast.stored()).length > 0, 'its first backup is there');
    child.kill('SIGTERM');
    return (await ended).stderr;
  };
  const text = await serve({});
  const stamped = text
    .split('\n')
    .filter((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (info|warning|error): /.test(line));
  expect(stamped.length).toBeGreaterThan(3);
  expect(text.split('\n').filter((line) => line !== '' && !stamped.includes(line))).toEqual(['stopping…']);
  expect(stamped.some((line) => line.includes('shop: backup: '))).toBe(true);
  const lines = linesOf(await serve(env));
  expect(lines.some(({ message }) => message.startsWith('HTTP at http://127.0.0.1:'))).toBe(true);
});
