import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProcess } from '../../src/base/run-process.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { DaemonRecord } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { smallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const url = 'postgres://nobody@127.0.0.1:1/nothing';
const { signal } = new AbortController();

interface Health {
  ok: boolean;
  message: string;
  daemon: { pid: number; host: string } | null;
  checks: {
    daemon: { state: string };
    state: { ok: boolean; code: string | null };
    http: { status: number | null } | null;
  };
}

async function install(top: Record<string, unknown> = {}): Promise<Installation> {
  return installHoldfast({ url, top: { server: { listen: '127.0.0.1:0' }, ...top } });
}

async function health(
  holdfast: Installation,
  env: Record<string, string> = {},
): Promise<{ status: number | null; found: Health }> {
  const { status, stdout } = await holdfast.runWith({ env }, 'health', '--json');
  return { status, found: JSON.parse(stdout) as Health };
}

/** A daemon that is well, to be ended by the caller. */
async function serve(holdfast: Installation) {
  const { child, ended } = holdfast.start({}, 'serve');
  // Its record is there before its server is.
  await until(async () => (await health(holdfast)).found.checks.http?.status === 200, 'the daemon is healthy');
  return { child, ended };
}

test('N-06, N-d15: health is 0 while the daemon works, and 1 after it was stopped', async () => {
  await using holdfast = await install();
  const { child, ended } = await serve(holdfast);
  const well = await health(holdfast);
  expect(well).toMatchObject({
    status: 0,
    found: { ok: true, daemon: { pid: child.pid }, checks: { daemon: { state: 'alive' }, http: { status: 200 } } },
  });
  const { stdout } = await holdfast.run('health');
  expect(stdout).toMatch(/^healthy: the daemon \(process \d+ on .+\) runs, .+ answers\n$/);
  child.kill('SIGTERM');
  expect((await ended).status).toBe(0);
  expect(await health(holdfast)).toMatchObject({
    status: 1,
    found: { ok: false, checks: { daemon: { state: 'stopped' } } },
  });
});

test('N-06, N-d15: a daemon that was killed, or hangs, is not healthy', async () => {
  await using holdfast = await install();
  const { child, ended } = await serve(holdfast);
  child.kill('SIGSTOP');
  const hanging = await health(holdfast);
  expect(hanging).toMatchObject({
    status: 1,
    found: { checks: { daemon: { state: 'alive' }, http: { status: null } } },
  });
  expect(hanging.found.message).toContain('does not answer');
  child.kill('SIGKILL');
  await ended;
  const killed = await health(holdfast);
  expect(killed).toMatchObject({ status: 1, found: { ok: false, checks: { daemon: { state: 'dead' }, http: null } } });
  expect(killed.found.message).toContain('ended without a word');
});

test('N-06: a daemon in another container is judged by its ticks, and does not stand in for the one of this host', async () => {
  await using holdfast = await install();
  const put = (change: Partial<DaemonRecord>) => {
    using catalog = openCatalog(holdfast.state, systemClock);
    const now = new Date().toISOString();
    const other = { id: 'other', host: 'another-container', pid: 1, process: 'another-boot/1/2', version: '1' };
    catalog.daemons.put({
      ...other,
      startedAt: now,
      tickAt: now,
      stoppedAt: null,
      listen: 'http://127.0.0.1:1',
      ...change,
    });
  };
  put({});
  expect(await health(holdfast)).toMatchObject({
    status: 0,
    found: { checks: { daemon: { state: 'alive' }, http: null } },
  });
  put({ tickAt: new Date(Date.now() - 70_000).toISOString() });
  expect(await health(holdfast)).toMatchObject({ status: 1, found: { checks: { daemon: { state: 'silent' } } } });

  const { child, ended } = holdfast.start({}, 'serve');
  await until(async () => (await health(holdfast)).found.daemon?.pid === child.pid, 'the daemon of this host is known');
  child.kill('SIGKILL');
  await ended;
  put({ tickAt: new Date().toISOString() });
  expect(await health(holdfast)).toMatchObject({ status: 1, found: { checks: { daemon: { state: 'dead' } } } });
});

test('N-d15: a state folder that is not there is not healthy, and is not made', async () => {
  await using holdfast = await install();
  expect(await health(holdfast)).toMatchObject({ status: 1, found: { checks: { state: { code: 'STATE_MISSING' } } } });
  await expect(access(holdfast.state)).rejects.toThrow();
});

// As root, nothing else keeps a program from writing.
const disk = await smallDisk(4);
test.skipIf(disk === null)(
  'N-d15: a state folder that can only be read is not healthy, while the daemon runs',
  async () => {
    await using _disk = disk;
    const path = disk?.path ?? '';
    await using holdfast = await install();
    const { child, ended } = await serve(holdfast);
    const view = join(path, 'view');
    await mkdir(view);
    await runProcess({ program: 'mount', args: ['--bind', '-o', 'ro', holdfast.state, view] }, { signal });
    try {
      expect(await health(holdfast, { HOLDFAST_STATE: view })).toMatchObject({
        status: 1,
        found: { ok: false, checks: { state: { ok: false, code: 'NO_PERMISSION' } } },
      });
    } finally {
      await runProcess({ program: 'umount', args: [view] }, { signal });
      child.kill('SIGTERM');
      await ended;
    }
  },
);

test('health does not care what else the configuration says, and a port in use is told with exit code 2', async () => {
  await using holdfast = await install();
  const { child, ended } = await serve(holdfast);
  try {
    await writeFile(
      holdfast.configFile,
      stringify({ state: './state', sources: { shop: { databas: 1 } }, typo: true }),
    );
    expect((await holdfast.run('config', 'validate')).status).toBe(2);
    expect((await health(holdfast)).status).toBe(0);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
  const { port } = blocker;
  await using second = await install({ server: { listen: `127.0.0.1:${port}` } });
  const { status, stderr } = await second.run('serve');
  expect(status).toBe(2);
  expect(stderr).toContain(`another program listens at 127.0.0.1:${port} already (LISTEN_IN_USE)`);
  expect(stderr).toContain('hint: ');
});

test('health starts nearly as quickly as --help: it reads neither engines nor storages', async () => {
  await using holdfast = await install();
  openCatalog(holdfast.state, systemClock)[Symbol.dispose]();
  const timed = async (...args: string[]) => {
    const started = performance.now();
    await holdfast.run(...args);
    return performance.now() - started;
  };
  let [help, asked] = [Infinity, Infinity];
  // In turns, so that other work on the machine meets both.
  for (let round = 0; round < 8; round += 1) {
    help = Math.min(help, await timed('--help'));
    asked = Math.min(asked, await timed('health'));
  }
  expect(asked).toBeLessThan(help * 2.5 + 50);
});

let blocker: TestServer;
beforeAll(async () => {
  blocker = await startHttpServer();
});
afterAll(() => blocker[Symbol.asyncDispose]());
