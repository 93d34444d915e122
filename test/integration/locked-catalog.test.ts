import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { until } from '../support/until.ts';

/** As another program does that has the file open and is in the middle of writing. */
function lockCatalog({ state }: Installation): Disposable {
  const other = new DatabaseSync(join(state, 'catalog.sqlite'));
  other.exec('begin immediate');
  return { [Symbol.dispose]: () => other.close() };
}

async function millisecondsOf(ask: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await ask();
  return performance.now() - began;
}

async function installFiles(): Promise<Installation> {
  const holdfast = await installHoldfast({ url: 'postgres://nobody@127.0.0.1:1/nothing' });
  const papers = join(holdfast.folder, 'papers');
  await mkdir(papers);
  await writeFile(join(papers, 'letter.txt'), 'Dear Ada');
  const { folder } = holdfast;
  await holdfast.configure({
    state: './state',
    server: anyPort,
    sources: {
      papers: {
        files: [{ name: 'papers', path: papers }],
        hooks: { before: { shell: `until [ -e '${folder}/go' ]; do sleep 0.1; done` } },
      },
    },
    storages: { local: { type: 'local', path: './backups' } },
  });
  return holdfast;
}

const healthz = async ({ base }: Served) => (await fetch(`${base}/healthz`)).status;

test('a catalog that is locked for some seconds keeps neither answers nor a backup from going on, and nothing of them is lost', async () => {
  await using holdfast = await installFiles();
  await using served = await serveHoldfast(holdfast);
  const api = served.client(await served.token('robot', '--role', 'admin'));
  const { id: run } = (await api.createBackup({ body: { source: 'papers' } })).run;
  await until(async () => (await api.run({ params: { id: run } })).state === 'running', 'the backup runs');
  const answers: number[] = [];
  let made: Promise<unknown>;
  let checked: Promise<unknown>;
  {
    using _lock = lockCatalog(holdfast);
    await writeFile(join(holdfast.folder, 'go'), '');
    made = api.createToken({ body: { name: 'another', role: 'viewer' } });
    made.catch(() => undefined);
    checked = api.check({ query: { fresh: 'true' } });
    checked.catch(() => undefined);
    const until5 = performance.now() + 5000;
    while (performance.now() < until5) {
      answers.push(await millisecondsOf(async () => expect(await healthz(served)).toBe(200)));
      answers.push(await millisecondsOf(() => api.run({ params: { id: run } })));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  expect(Math.max(...answers)).toBeLessThan(1500);
  await expect(made).resolves.toMatchObject({ token: expect.stringMatching(/^hf_/) });
  await expect(checked).resolves.toMatchObject({ at: expect.any(String) });
  await until(async () => (await api.run({ params: { id: run } })).state !== 'running', 'the backup ends');
  expect(await api.run({ params: { id: run } })).toMatchObject({ state: 'succeeded', error: null });
  const log = await api.runLog({ params: { id: run } });
  for (const step of ['hook before done', 'files done', 'seal done', 'structure done'])
    expect(JSON.stringify(log)).toContain(step);
  expect(await holdfast.stored('papers')).toHaveLength(1);
  expect(served.said()).not.toMatch(/keeps the catalog/);
});
