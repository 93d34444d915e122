import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes } from '../src/base/units.ts';
import { anyPort, serveHoldfast, type Served } from '../test/support/api.ts';
import { installHoldfast, type Installation } from '../test/support/holdfast.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { dataStatements } from './data.ts';
import { measureShell, median } from './measure.ts';
import type { Finding } from './report.ts';
import { ratioOf, rounds, type Taken } from './rounds.ts';

const names = {
  'plain download': 'plain file server, download',
  tar: 'holdfast, whole backup as a tar',
  artifact: 'holdfast, one artifact',
  'plain upload': 'plain file server, upload',
  upload: 'holdfast, upload of a dump',
} as const;
type Contender = keyof typeof names;
const beside = { tar: 'plain download', artifact: 'plain download', upload: 'plain upload' } as const;
const bound = 0.8;

/** A stored backup from disk over HTTP, and a dump sent there, beside a server that does nothing but that with the same file. */
export async function benchmarkTransfers(bytes: number, runs: number, signal: AbortSignal): Promise<Finding[]> {
  await using server = await startPostgres({ settings: { fsync: 'off', max_wal_size: '8GB' } });
  await server.createDatabase('shop');
  for (const statement of dataStatements(bytes, 'usual')) await server.sql('shop', statement);
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { dump: { format: 'custom', compression: 'none' } },
    top: { server: { ...anyPort, maxUpload: '100GB' }, scheduler: { enabled: false } },
  });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const file = join(holdfast.storage, 'shop', id, 'database.dump');
  const size = (await stat(file)).size;
  await using served = await serveHoldfast(holdfast);
  const token = await served.token('bench', '--role', 'admin');
  const received = join(holdfast.folder, 'received');
  await using plain = await startPlain(file, received);
  const line = lines({ plain: plain.base, base: served.base, token, id, file });
  const results = await rounds<Contender>(
    runs,
    Object.keys(names) as Contender[],
    async (who) => {
      const env = { PATH: process.env['PATH'] ?? '' };
      // The bound is about the disk: a backup that somebody fetches was not read a moment ago, and nobody writes what the one before left over.
      await rm(received, { force: true });
      await measureShell(`sync; dd if='${file}' iflag=nocache count=0 of=/dev/null 2>/dev/null`, env, signal);
      const taken = await measureShell(line[who], env, signal);
      if (who === 'upload') await endImport({ holdfast, served, token, started: taken.stdout });
      return taken;
    },
    signal,
    beside,
  );
  return findingsOf(`transfers, ${formatBytes(size)}`, results);
}

interface Ends {
  plain: string;
  base: string;
  token: string;
  id: string;
  file: string;
}

function lines({ plain, base, token, id, file }: Ends): Record<Contender, string> {
  const curl = `curl --silent --show-error --fail -H 'Authorization: Bearer ${token}'`;
  const backup = `${base}/api/v1/backups/shop/${id}`;
  return {
    'plain download': `${curl} -o /dev/null ${plain}`,
    tar: `${curl} -o /dev/null ${backup}/download`,
    artifact: `${curl} -o /dev/null '${backup}/artifact?path=database.dump'`,
    'plain upload': `${curl} -T '${file}' ${plain}`,
    upload: `${curl} -X POST -H 'content-type: application/octet-stream' -T '${file}' '${base}/api/v1/imports?source=shop&name=sent.dump'`,
  };
}

/** The transfer is over when the run has begun; loading the dump is another matter, and must not disturb the next turn. */
async function endImport(given: {
  holdfast: Installation;
  served: Served;
  token: string;
  started: string;
}): Promise<void> {
  const { run } = JSON.parse(given.started) as { run: { id: string } };
  const headers = { authorization: `Bearer ${given.token}` };
  const at = `${given.served.base}/api/v1/runs/${run.id}`;
  await fetch(at, { method: 'DELETE', headers });
  for (;;) {
    const { state } = (await (await fetch(at, { headers })).json()) as { state: string };
    if (!['queued', 'running'].includes(state)) return;
  }
}

async function startPlain(sent: string, received: string): Promise<{ base: string } & AsyncDisposable> {
  const program = fileURLToPath(new URL('plain-file-server.ts', import.meta.url));
  const child = spawn(process.execPath, [program, sent, received], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    base: told.toString().trim(),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await rm(received, { force: true });
    },
  };
}

function findingsOf(group: string, results: ReadonlyMap<Contender, Taken[]>): Finding[] {
  return (Object.keys(names) as Contender[]).map((who) => {
    const taken = results.get(who) ?? [];
    const seconds = median(taken.map((turn) => turn.seconds));
    if (who.startsWith('plain')) return { group, name: names[who], seconds };
    const rate = 1 / ratioOf(taken);
    const measured = `${Math.round(rate * 100)} % of its rate`;
    return { group, name: names[who], seconds, measured, bound: `>= ${bound * 100} %`, ok: rate >= bound };
  });
}
