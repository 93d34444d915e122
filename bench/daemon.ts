import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../src/base/clock.ts';
import { backupId, runId } from '../src/base/ids.ts';
import { formatBytes } from '../src/base/units.ts';
import type { RunRecord } from '../src/catalog/catalog.ts';
import { openCatalog } from '../src/catalog/sqlite/sqlite-catalog.ts';
import { nextStart } from '../src/schedule/next.ts';
import { measure, median } from './measure.ts';
import type { Finding } from './report.ts';

const sourceCount = 1000;
const idleSeconds = 60;
const historyCount = 10_000;

/** A thousand sources on one daemon, and ten thousand runs in its history. */
export async function benchmarkDaemon(program: string, signal: AbortSignal): Promise<Finding[]> {
  return [
    ...(await idle(program, signal)),
    ...(await punctuality(program, signal)),
    ...(await history(program, signal)),
  ];
}

/** Nothing is due: what it costs to be there. */
async function idle(program: string, signal: AbortSignal): Promise<Finding[]> {
  await using place = await install({ schedule: { cron: '0 0 1 1 *' }, sources: sourceCount });
  await using daemon = await serve(program, place, signal);
  await settle(daemon, signal);
  const before = cpuSeconds(daemon.pid);
  await wait(idleSeconds * 1000, signal);
  const share = (cpuSeconds(daemon.pid) - before) / idleSeconds;
  const peak = memoryOf(daemon.pid, 'VmHWM');
  return [
    {
      group: `daemon, ${sourceCount} sources`,
      name: `idle for ${idleSeconds} s`,
      measured: `${(share * 100).toFixed(2)} % of a core`,
      bound: '<= 1 % of a core',
      ok: share <= 0.01,
    },
    {
      group: `daemon, ${sourceCount} sources`,
      name: 'most memory since its start',
      measured: formatBytes(peak),
      bound: '<= 200 MB',
      ok: peak <= 200 * 1024 ** 2,
    },
  ];
}

/**
 * Every source is due in the same minute, each at a second of its own, so that more than thirty are begun each second. Their server refuses at
 * once: it is the beginning of a run that is measured, and the daemon has its whole recipe to do until it fails.
 */
async function punctuality(program: string, signal: AbortSignal): Promise<Finding[]> {
  const spreadMs = 120_000;
  const at = new Date(Math.ceil((Date.now() + 45_000) / 60_000) * 60_000);
  const cron = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
  await using place = await install({
    schedule: { cron, jitter: `${spreadMs / 1000}s`, retries: 0 },
    sources: sourceCount,
    concurrency: 50,
  });
  await using daemon = await serve(program, place, signal);
  await wait(at.getTime() + spreadMs + 10_000 - Date.now(), signal);
  void daemon;
  using catalog = openCatalog(place.state, systemClock);
  const late: number[] = [];
  for (const { source, startedAt } of catalog.runs.list({ operation: 'backup' })) {
    const due = dueOf(`${source}`, { cron, at, jitterMs: spreadMs });
    if (due !== null) late.push(new Date(startedAt).getTime() - due);
  }
  const worst = Math.max(...late) / 1000;
  return [
    {
      group: `daemon, ${sourceCount} sources`,
      name: `${late.length} runs begun within ${spreadMs / 1000} s, median ${Math.round(median(late))} ms late`,
      measured: `at most ${worst.toFixed(2)} s late`,
      bound: '<= 2 s, each once',
      ok: worst <= 2 && late.length === sourceCount,
    },
  ];
}

/** The same commands on a long history and on a short one, in turns: what the history costs is the difference. */
async function history(program: string, signal: AbortSignal): Promise<Finding[]> {
  const group = `daemon, ${historyCount} runs`;
  await using short = await install({ schedule: { cron: '0 0 1 1 *' }, sources: 20 });
  await using long = await install({ schedule: { cron: '0 0 1 1 *' }, sources: 20 });
  fill(short, 10);
  fill(long, historyCount);
  const findings: Finding[] = [];
  for (const command of [['runs'], ['runs', '--json'], ['status', '--json']]) {
    const took = async ({ config }: Place) =>
      (await measure(program, [...command, '--config', config], environment(), signal)).seconds;
    const rounds: { few: number; many: number }[] = [];
    for (let round = 0; round < 12; round += 1) rounds.push({ few: await took(short), many: await took(long) });
    const more = median(rounds.slice(1).map(({ few, many }) => many - few));
    findings.push({
      group,
      name: `holdfast ${command.join(' ')}`,
      seconds: median(rounds.slice(1).map(({ many }) => many)),
      measured: `${more < 0 ? '' : '+ '}${Math.round(more * 1000)} ms beside 10 runs`,
      bound: '<= + 100 ms',
      ok: more <= 0.1,
    });
  }
  await using daemon = await serve(program, long, signal);
  const slowest = await slowestScrape(await settle(daemon, signal), signal);
  const measured = `${Math.round(slowest * 1000)} ms at most`;
  return [...findings, { group, name: '/metrics', measured, bound: '<= 100 ms', ok: slowest <= 0.1 }];
}

/** The first one counts: later ones may be answered from what it found. */
async function slowestScrape(address: string, signal: AbortSignal): Promise<number> {
  let slowest = 0;
  for (let round = 0; round < 20; round += 1) {
    const started = performance.now();
    const answer = await fetch(`${address}/metrics`, { signal });
    const text = await answer.text();
    slowest = Math.max(slowest, (performance.now() - started) / 1000);
    if (!answer.ok || !text.includes('holdfast_')) throw new Error(`/metrics answers ${answer.status}`);
  }
  return slowest;
}

/** As the daemon reckons it, jitter included. */
function dueOf(source: string, { cron, at, jitterMs }: { cron: string; at: Date; jitterMs: number }): number | null {
  const before = new Date(at.getTime() - 1000);
  const start = nextStart(
    {
      name: `backup/${source}`,
      kind: 'backup',
      source,
      when: { cron, timezone: 'UTC' },
      missed: 'run',
      retries: 0,
      retryDelayMs: 60_000,
      jitterMs,
      runOnStart: false,
    },
    { seenAt: before, lastGood: null, attempt: null },
    { now: before, since: before, awakeSince: before, seed: 'bench' },
  );
  return start?.at.getTime() ?? null;
}

interface Place extends AsyncDisposable {
  config: string;
  state: string;
}

async function install(wanted: { schedule: object; sources: number; concurrency?: number }): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const config = join(folder, 'holdfast.yaml');
  // Nothing listens there: who connects is refused at once.
  const source = { database: { url: 'postgres://nobody@127.0.0.1:9/nothing' }, schedule: wanted.schedule };
  const names = Array.from({ length: wanted.sources }, (_, each) => `source-${each}`);
  const settings = {
    instance: 'bench',
    state: './state',
    sources: Object.fromEntries(names.map((name) => [name, source])),
    storages: { local: { type: 'local', path: './backups' } },
    scheduler: { concurrency: wanted.concurrency ?? 2 },
    monitor: { every: 'off' },
    server: { listen: '127.0.0.1:0' },
  };
  await mkdir(join(folder, 'backups'));
  await writeFile(config, stringify(settings, { aliasDuplicateObjects: false }), { mode: 0o600 });
  return {
    config,
    state: join(folder, 'state'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Daemon extends AsyncDisposable {
  pid: number;
  said(): string;
}

async function serve(program: string, place: Place, signal: AbortSignal): Promise<Daemon> {
  const child: ChildProcess = spawn(program, ['serve', '--config', place.config], {
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, 20_000)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  if (child.pid === undefined) throw new Error('the daemon did not start');
  return { pid: child.pid, said: () => said, [Symbol.asyncDispose]: stop };
}

/** Until it has begun its work; returns where it answers. */
async function settle(daemon: Daemon, signal: AbortSignal): Promise<string> {
  for (;;) {
    const address = /HTTP at (http\S+)/.exec(daemon.said())?.[1];
    if (address !== undefined) {
      await wait(5000, signal);
      return address;
    }
    await wait(100, signal);
  }
}

/** A year of runs, most of them good, as a daemon leaves them. */
function fill(place: Place, count: number): void {
  using catalog = openCatalog(place.state, systemClock);
  const first = Date.now() - 360 * 86_400_000;
  catalog.atomically(() => {
    for (let each = 0; each < count; each += 1) {
      const at = new Date(first + (each * 350 * 86_400_000) / count);
      catalog.runs.add(runAt(at, `source-${each % 20}`, each % 50 !== 7));
    }
  });
}

function runAt(at: Date, source: string, good: boolean): RunRecord {
  const id = backupId(at);
  const artifact = {
    role: 'database',
    path: 'database.dump',
    bytes: 123_456,
    rawBytes: 1_234_567,
    sha256: 'a'.repeat(64),
  };
  return {
    id: runId(at),
    operation: 'backup',
    source,
    backup: good ? id : null,
    trigger: 'schedule',
    state: good ? 'succeeded' : 'failed',
    startedAt: at.toISOString(),
    finishedAt: new Date(at.getTime() + 12_345).toISOString(),
    host: 'bench',
    pid: 1,
    process: null,
    error: good ? null : { code: 'DATABASE_UNREACHABLE', message: 'the server does not answer', hint: null },
    result: good
      ? { id, source, state: 'succeeded', durationMs: 12_345, bytes: 123_456, artifacts: [artifact, artifact] }
      : null,
  };
}

function environment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // User and system time, in hundredths of a second on every Linux there is.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function memoryOf(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const kilobytes = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? Number.NaN) * 1024;
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}
