import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Finding } from '../../src/care/alerts/finding.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function lastCheck({ state }: Installation): Finding[] | null {
  using catalog = openCatalog(state, systemClock);
  const detail = catalog.marks.get('check')?.detail as { findings: Finding[] } | undefined;
  return detail?.findings ?? null;
}

test('J-d8, N-d15: the daemon checks by itself, and whether it lives is found out by whoever checks', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { schedule: { every: '1d' } },
    top: { server: false, monitor: { every: '1m', minBackups: 3 } },
  });
  await holdfast.json('backup');
  const codes = async () => {
    const { stdout } = await holdfast.run('check', '--json');
    return (JSON.parse(stdout) as { findings: Finding[] }).findings.map(({ code, severity }) => `${code} ${severity}`);
  };
  const { child, ended } = holdfast.start({}, 'serve');
  try {
    // Backups that are due at the start go first.
    await until(() => lastCheck(holdfast) !== null, 'the first check of the daemon', 90_000);
    expect(lastCheck(holdfast)?.map(({ code }) => code)).toEqual(['TOO_FEW_BACKUPS']);
    expect(await codes()).toEqual(['TOO_FEW_BACKUPS warning']);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  expect(await codes()).toEqual(['DAEMON_DOWN critical', 'TOO_FEW_BACKUPS warning']);
});

test('J-14: the daemon sends its report on schedule', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    top: { server: false, monitor: { report: { every: '1d' } } },
  });
  await holdfast.json('backup');
  const { child, ended } = holdfast.start({}, 'serve');
  const sent = () => {
    using catalog = openCatalog(holdfast.state, systemClock);
    return catalog.marks.get('report');
  };
  try {
    await until(() => sent() !== null, 'the report of the daemon');
    expect(sent()).toMatchObject({ detail: { status: 'ok' } });
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
});
