import { readFileSync, existsSync, writeFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table items as select n from generate_series(1, 100) n');
});
afterAll(() => server[Symbol.asyncDispose]());

const install = (hooks: object, source?: string) =>
  installHoldfast({ url: server.url('shop'), settings: { hooks }, ...(source === undefined ? {} : { source }) });

/** Writes down its variables and arguments, as `<moment>.txt` beside the configuration. */
async function witness(holdfast: Installation, name = 'witness', more = ''): Promise<void> {
  const path = join(holdfast.folder, name);
  await writeFile(
    path,
    `#!/bin/sh\n{ env; for each in "$@"; do echo "argument $each"; done; } > "$HOOK.txt"\n${more}\n`,
  );
  await chmod(path, 0o755);
}

const seen = (holdfast: Installation, moment: string) => {
  const path = join(holdfast.folder, `${moment}.txt`);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : null;
};

interface Lines {
  run: { state: string; error: { code: string; message: string } | null };
  lines: { level: string; message: string }[];
}
const lastLog = async (holdfast: Installation) => {
  const [run] = await holdfast.json<{ id: string }[]>('runs');
  return holdfast.json<Lines>('logs', run?.id ?? '');
};

test('before and after a backup, with what is known of it in variables; output is in the log of the run', async () => {
  await using holdfast = await install({
    before: ['./witness', 'two words', '$(touch injected)'],
    after: { run: ['./witness'], env: { PORT: '80', API_TOKEN: 'einhorn-0815' } },
    failed: './witness',
  });
  await witness(holdfast, 'witness', 'echo "it says $API_TOKEN"; echo "and this" >&2');
  const { run, id } = await holdfast.json<{ run: string; id: string }>('backup');

  const before = seen(holdfast, 'before');
  expect(before).toEqual(
    expect.arrayContaining([
      'HOOK_OPERATION=backup',
      'HOOK_SOURCE=shop',
      `HOOK_RUN=${run}`,
      'HOOK_TRIGGER=manual',
      'HOOK_STATE=running',
      'argument two words',
      'argument $(touch injected)',
    ]),
  );
  expect(existsSync(join(holdfast.folder, 'injected'))).toBe(false);
  expect(seen(holdfast, 'after')).toEqual(
    expect.arrayContaining(['HOOK_STATE=succeeded', `HOOK_BACKUP=${id}`, 'PORT=80', 'API_TOKEN=einhorn-0815']),
  );
  expect(seen(holdfast, 'failed')).toBeNull();
  const { lines } = await lastLog(holdfast);
  const messages = lines.map(({ message }) => message);
  expect(messages).toContain('hook after: it says ••••••');
  expect(messages).toContain('hook after: and this');
  expect(messages.findIndex((each) => each.startsWith('hook before'))).toBeLessThan(
    messages.findIndex((each) => each.startsWith('dump')),
  );
  expect(messages.findIndex((each) => each.startsWith('hook after'))).toBeGreaterThan(
    messages.findIndex((each) => each.startsWith('seal done')),
  );
});

test('S27: nothing of a name becomes a part of a command, and ${...} in a line of shell is the shell’s own', async () => {
  const name = `a'b$(touch injected)`;
  await server.createDatabase(name);
  await using holdfast = await installHoldfast({
    url: server.url(name),
    settings: {
      hooks: { before: { shell: 'echo "${HOOK_SOURCE} ${NOBODY_SET_THIS:-none}" > "$HOOK.txt"' }, failed: './witness' },
      dump: { exclude: { tables: ['nothing.here'] } },
    },
  });
  await witness(holdfast);
  await server.sql('postgres', `drop database "${name}"`);
  const { status } = await holdfast.runWith({ env: { HOOK_SOURCE: 'of-the-caller' } }, 'backup');
  expect(status).toBe(1);
  expect(seen(holdfast, 'before')?.[0]).toBe('shop none');
  expect(seen(holdfast, 'failed')).toEqual(
    expect.arrayContaining(['HOOK_ERROR_CODE=DATABASE_MISSING', expect.stringContaining(`a'b$(touch injected)`)]),
  );
  expect(existsSync(join(holdfast.folder, 'injected'))).toBe(false);
});

test('S27, S23: a secret may not stand among the words of a command', async () => {
  await using holdfast = await install({ before: ['curl', '-u', '${API_PASSWORD}'] });
  const { status, stderr } = await holdfast.runWith({ env: { API_PASSWORD: 'einhorn-0816' } }, 'backup');
  expect(status).toBe(2);
  expect(stderr).toContain('sources.shop.hooks.before[2]');
  expect(stderr).toContain('env');
  expect(stderr).not.toContain('einhorn-0816');
});

test('before that fails stops the backup and failed is told; warn goes on', async () => {
  await using holdfast = await install({ before: ['sh', '-c', 'echo no luck >&2; exit 3'], failed: './witness' });
  await witness(holdfast);
  const ended = await holdfast.run('backup');
  expect(ended.status).toBe(1);
  expect(ended.stderr).toMatch(/HOOK_FAILED/);
  expect(ended.stderr).toContain('status 3: no luck');
  expect(await holdfast.stored()).toEqual([]);
  expect(seen(holdfast, 'failed')).toEqual(
    expect.arrayContaining(['HOOK_STATE=failed', 'HOOK_ERROR_CODE=HOOK_FAILED', 'HOOK_BACKUP=']),
  );
  await holdfast.configure({
    state: './state',
    sources: {
      shop: { database: { url: server.url('shop') }, hooks: { before: { run: ['false'], onFailure: 'warn' } } },
    },
  });
  const { warnings } = await holdfast.json<{ warnings: string[] }>('backup');
  expect(warnings).toEqual(['the hook `before` failed: false ended with status 1 (HOOK_FAILED)']);
  const { run, lines } = await lastLog(holdfast);
  expect(run.state).toBe('succeeded');
  expect(lines.find(({ level }) => level === 'warn')?.message).toContain('the hook `before` failed');
});

test('after that fails is a warning, with fail a failed run; the backup stays', async () => {
  await using holdfast = await install({ after: ['does-not-exist-anywhere'] });
  const ended = await holdfast.run('backup');
  expect(ended.status).toBe(0);
  expect(ended.stderr).toContain('does-not-exist-anywhere was not found');
  await holdfast.configure({
    state: './state',
    sources: {
      shop: { database: { url: server.url('shop') }, hooks: { after: { run: ['false'], onFailure: 'fail' } } },
    },
  });
  expect((await holdfast.run('backup')).status).toBe(1);
  expect(await holdfast.stored()).toHaveLength(2);
});

test('a hook that does not end is ended with all that it started', async () => {
  await using holdfast = await install({
    before: { shell: 'sleep 600 & echo $! > child; sleep 600', timeout: '1s' },
  });
  const ended = await holdfast.run('backup');
  expect(ended.status).toBe(1);
  expect(ended.stderr).toContain('did not end within 1s');
  const child = Number(readFileSync(join(holdfast.folder, 'child'), 'utf8'));
  await until(() => !existsSync(`/proc/${child}/status`) || isZombie(child), 'the grandchild is gone');
});

test('a hook that never stops talking does not fill the log', async () => {
  await using holdfast = await install({
    before: { shell: 'yes | head -n 20000; head -c 3000000 /dev/zero | tr "\\\\0" x' },
  });
  await holdfast.json('backup');
  const { lines } = await lastLog(holdfast);
  expect(lines.filter(({ message }) => message.startsWith('hook before')).length).toBeLessThan(510);
  expect(lines.some(({ message }) => message.includes('more was printed than is kept'))).toBe(true);
});

test('SIGTERM during a backup: failed is run, and told that it was cancelled', async () => {
  await using holdfast = await install({ before: { shell: 'echo here > started; sleep 600' }, failed: './witness' });
  await witness(holdfast);
  const { child, ended } = holdfast.start({}, 'backup');
  await until(() => existsSync(join(holdfast.folder, 'started')), 'the hook runs');
  child.kill('SIGTERM');
  expect((await ended).status).toBe(130);
  expect(seen(holdfast, 'failed')).toEqual(expect.arrayContaining(['HOOK_STATE=cancelled']));
});

test('a restore has its own hooks, around what replaces the live database, and its safety backup has none', async () => {
  await using holdfast = await install({
    before: { shell: 'echo backup >> order' },
    restore: {
      before: { shell: 'echo stop $HOOK_OPERATION >> order' },
      after: { shell: 'echo start $HOOK_STATE >> order' },
    },
  });
  await holdfast.json('backup');
  await holdfast.json('restore', 'latest', '--yes', '--keep-old');
  const order = () => readFileSync(join(holdfast.folder, 'order'), 'utf8').trim().split('\n');
  expect(order()).toEqual(['backup', 'stop restore', 'start succeeded']);
  await holdfast.json('restore', 'latest', '--into', 'beside', '--yes');
  expect(order()).toHaveLength(3);
  await holdfast.json('restore', '--undo', '--yes');
  expect(order()).toHaveLength(5);
});

describe('S17: what goes wrong once the restored data is live does not make the restore one that failed', () => {
  const restored = async (holdfast: Installation) => {
    const runs = await holdfast.json<{ operation: string; state: string }[]>('runs');
    return runs.find(({ operation }) => operation === 'restore')?.state;
  };
  const undone = async (holdfast: Installation) => {
    const { kept } = await holdfast.json<{ kept: string }>('restore', '--undo', '--yes');
    expect(await server.databases()).toContain(kept);
  };

  test('an interruption while `after` runs: it may end, and --undo knows the way back', async () => {
    await using holdfast = await install({
      restore: { after: { shell: 'touch started; while [ ! -e go ]; do sleep 0.05; done; touch ended' } },
    });
    await holdfast.json('backup');
    const { child, ended } = holdfast.start({}, 'restore', 'latest', '--yes', '--keep-old');
    await until(() => existsSync(join(holdfast.folder, 'started')), 'the hook');
    child.kill('SIGINT');
    writeFileSync(join(holdfast.folder, 'go'), '');
    await ended;
    expect(existsSync(join(holdfast.folder, 'ended'))).toBe(true);
    expect(await restored(holdfast)).toBe('succeeded');
    await undone(holdfast);
  });

  test('killed while `after` runs, too', async () => {
    await using holdfast = await install({ restore: { after: { shell: 'touch started; sleep 60' } } });
    await holdfast.json('backup');
    const { child, ended } = holdfast.start({}, 'restore', 'latest', '--yes', '--keep-old');
    await until(() => existsSync(join(holdfast.folder, 'started')), 'the hook');
    child.kill('SIGKILL');
    await ended;
    await holdfast.configure({
      state: './state',
      sources: { shop: { database: { url: server.url('shop') } } },
      storages: { local: { type: 'local', path: './backups' } },
    });
    expect(await restored(holdfast)).not.toBe('succeeded');
    await undone(holdfast);
  });

  test('`after` that fails: partial, `failed` is told, and --undo knows the way back', async () => {
    await using holdfast = await install({
      restore: { after: { run: ['false'], onFailure: 'fail' }, failed: { shell: 'echo $HOOK_ERROR_CODE > told' } },
    });
    await holdfast.json('backup');
    const { status, stdout } = await holdfast.run('restore', 'latest', '--yes', '--keep-old', '--json');
    expect(status).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'partial',
      previous: expect.stringMatching(/^shop_before_/),
      warnings: [expect.stringContaining('HOOK_FAILED')],
    });
    expect(readFileSync(join(holdfast.folder, 'told'), 'utf8')).toBe('HOOK_FAILED\n');
    const { status: again } = await holdfast.run('restore', '--undo', '--yes');
    expect(again).toBe(3);
    expect(await server.databases()).toEqual(expect.arrayContaining([expect.stringMatching(/^shop_undone_/)]));
  });
});

function isZombie(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}
