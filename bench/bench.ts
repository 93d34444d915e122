import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSize, formatBytes } from '../src/base/units.ts';
import { benchmarkClient } from './client.ts';
import { benchmarkConsole } from './console.ts';
import { benchmarkDaemon } from './daemon.ts';
import { benchmarkFiles } from './files.ts';
import { benchmarkNocodb } from './nocodb.ts';
import { dataKinds } from './data.ts';
import { installHere } from './installed.ts';
import { machineFacts } from './machine.ts';
import { benchmarkMariadb } from './mariadb.ts';
import { renderReport, type Finding } from './report.ts';
import { benchmarkSqlite } from './sqlite.ts';
import { benchmarkStartup } from './startup.ts';
import { benchmarkTransfers } from './transfers.ts';
import { hasMysql } from '../test/support/mysql-server.ts';
import { hasRadosgw } from '../test/support/s3-server.ts';
import { clientTools, hasServer, type Major } from '../test/support/postgres.ts';

const parts = [
  'backup',
  'restore',
  'storages',
  'startup',
  'daemon',
  'console',
  'files',
  'transfers',
  'nocodb',
  'mariadb',
  'sqlite',
] as const;

const usage = `npm run bench -- [--size 1gb] [--clients 15,18] [--runs 3] [--data usual|dense] [--only ${parts.join(',')}] [--json file]
Measures backup, restore, memory and start-up against the databases' own programs, in one run, on servers of its own.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: '1gb' },
      clients: { type: 'string', default: '15,18' },
      runs: { type: 'string', default: '3' },
      data: { type: 'string', default: 'usual' },
      only: { type: 'string', default: parts.join(',') },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const bytes = parseSize(values.size);
  const runs = Number(values.runs);
  const only = new Set(values.only.split(','));
  const data = dataKinds.find((kind) => kind === values.data);
  const unknown = [...only].filter((part) => !parts.some((known) => known === part));
  if (
    values.help ||
    bytes === null ||
    data === undefined ||
    !Number.isInteger(runs) ||
    runs < 1 ||
    unknown.length > 0
  ) {
    console.error(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error('interrupted')));

  const machine = machineFacts();
  const findings: Finding[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-package-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const program = await installHere(folder);
  if (only.has('startup')) findings.push(...(await benchmarkStartup(program, stop.signal)));
  if (only.has('daemon')) findings.push(...(await benchmarkDaemon(program, stop.signal)));
  if (only.has('console')) findings.push(...(await benchmarkConsole()));
  if (only.has('transfers')) findings.push(...(await benchmarkTransfers(bytes, runs, stop.signal)));
  if (only.has('files')) findings.push(...(await benchmarkFiles(program, runs, stop.signal)));
  if (only.has('nocodb')) findings.push(...(await benchmarkNocodb(program, runs, stop.signal)));
  if (only.has('mariadb') && !hasMysql()) console.error('mariadb left out: server not found (Debian: mariadb-server)');
  else if (only.has('mariadb'))
    findings.push(...(await benchmarkMariadb({ program, bytes, runs, signal: stop.signal })));
  if (only.has('sqlite')) findings.push(...(await benchmarkSqlite({ program, bytes, runs, signal: stop.signal })));
  if (only.has('backup') || only.has('restore') || only.has('storages')) {
    for (const major of values.clients.split(',').map(Number) as Major[]) {
      const tools = process.env[`HOLDFAST_CLIENTS_${major}`] ?? clientTools(major);
      if (tools === null || !hasServer(major)) {
        console.error(`client ${major} left out: ${tools === null ? 'client tools' : 'server'} ${major} not found`);
        continue;
      }
      // Storages with one client are enough, the one that compresses by itself.
      const storages = only.has('storages') && major >= 16;
      if (storages && !hasRadosgw()) console.error('storages left out: radosgw not found (scripts/setup installs it)');
      const wanted = {
        backups: only.has('backup'),
        restores: only.has('restore'),
        storages: storages && hasRadosgw(),
      };
      findings.push(
        ...(await benchmarkClient({ major, program, tools, bytes, runs, data, ...wanted, signal: stop.signal })),
      );
    }
  }
  console.log(renderReport(machine, `${formatBytes(bytes)} of dump text (${data}), medians of ${runs}`, findings));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, bytes, runs, findings }, null, 2)}\n`);
  process.exitCode = findings.some(({ ok }) => ok === false) ? 1 : 0;
}

await main();
