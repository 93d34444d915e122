import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';

const run = promisify(execFile);

export const version = '2.2.15';

/** NocoBase wants the Node of the system, and calls `yarn` by itself. */
function environment(...first: string[]): NodeJS.ProcessEnv {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const inherited = Object.entries(process.env).filter(([name]) =>
    /^(HOME|LANG|TMPDIR|NODE_EXTRA_CA_CERTS)$/.test(name),
  );
  return { ...Object.fromEntries(inherited), PATH: [...first, ...path].join(delimiter) };
}

/**
 * The programs of NocoBase, installed once into the user's cache (about 1.2 GB, some minutes), or those of an application that
 * HOLDFAST_TEST_NOCOBASE names; beside its folder lies `tools` with yarn 1, as this leaves it.
 */
export async function programs(): Promise<{ app: string; yarn: string }> {
  const given = process.env['HOLDFAST_TEST_NOCOBASE'];
  const app = given ?? join(homedir(), '.cache/holdfast-tests', `nocobase-${version}`, 'app');
  const yarn = join(dirname(app), 'tools/node_modules/.bin');
  if (existsSync(join(app, 'node_modules/@nocobase/app/package.json'))) return { app, yarn };
  if (given !== undefined) throw new Error(`there is no NocoBase in ${given}`);
  await mkdir(dirname(app), { recursive: true });
  const env = environment(yarn);
  await run('npm', ['install', '--prefix', join(dirname(app), 'tools'), 'yarn@1.22.22'], { env });
  await rm(app, { recursive: true, force: true });
  await run('npx', ['-y', `create-nocobase-app@${version}`, 'app', '-d', 'postgres', '--skip-dev-dependencies'], {
    cwd: dirname(app),
    env,
  });
  // Asked for in places or versions that not every registry has; none of them is needed here.
  const manifest = join(app, 'package.json');
  const wanted = JSON.parse(await readFile(manifest, 'utf8')) as { resolutions?: Record<string, string> };
  wanted.resolutions = {
    ...wanted.resolutions,
    xlsx: '0.18.5',
    '@langchain/protocol': '0.0.19',
    '@langchain/langgraph-checkpoint': '1.1.5',
  };
  await writeFile(manifest, JSON.stringify(wanted, null, 2));
  const args = ['install', '--production', '--ignore-engines', '--ignore-scripts', '--network-timeout', '600000'];
  await run('yarn', args, { cwd: app, env, maxBuffer: 64 * 1024 * 1024 });
  return { app, yarn };
}

/** NocoBase does not bring what it needs for SQLite. Compiled once (a minute, with a compiler and the headers of Node), beside the programs. */
async function addSqlite(modules: string, master: string, yarn: string): Promise<void> {
  const made = join(dirname(master), 'sqlite');
  const from = join(made, 'node_modules');
  if (!existsSync(join(from, 'sqlite3/build/Release/node_sqlite3.node'))) {
    await run('npm', ['install', '--prefix', made, 'sqlite3@5.1.7'], {
      env: environment(yarn),
      maxBuffer: 64 * 1024 * 1024,
    });
  }
  for (const name of ['sqlite3', 'bindings', 'file-uri-to-path']) {
    await cp(join(from, name), join(modules, name), { recursive: true, force: true });
  }
}

export interface RealNocobase {
  readonly path: string;
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What an operator runs after the programs became newer than the database. */
  upgrade(): Promise<void>;
  /** What it has printed since it was started last. */
  readonly printed: () => string;
  /** Signs in as the first user, or takes a token. */
  as(token?: string): Promise<Session>;
}

export interface Session {
  token: string;
  /** `collections:create`; rejects unless the answer is 2xx. `data` of the answer where there is one. */
  call(action: string, body?: unknown): Promise<unknown>;
  upload(action: string, name: string, content: string): Promise<Record<string, unknown>>;
  download(action: string): Promise<Buffer>;
}

export interface NewNocobase {
  folder: string;
  name: string;
  database: { host: string; port: number; name: string; user: string; password: string };
  env?: Record<string, string>;
  /** Where it finds the client tools of its database before those of the system. */
  tools?: string;
}

/** A new application with a database of its own, installed and not started. */
export async function newNocobase({
  folder,
  name,
  database,
  env = {},
  tools,
}: NewNocobase): Promise<RealNocobase & AsyncDisposable> {
  const { app: master, yarn } = await programs();
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  const own = new Set(['node_modules', 'storage', '.env', 'nb.out', 'nb.pid']);
  for (const part of (await readdir(master)).filter((each) => !own.has(each))) {
    await cp(join(master, part), join(path, part), { recursive: true });
  }
  await mkdir(join(path, 'packages/plugins'), { recursive: true });
  await mkdir(join(path, 'storage/plugins'), { recursive: true });
  await mkdir(join(path, 'storage/uploads'), { recursive: true });
  await run('cp', ['-al', join(master, 'node_modules'), join(path, 'node_modules')]);
  if (env['DB_DIALECT'] === 'sqlite') await addSqlite(join(path, 'node_modules'), master, yarn);
  const port = await freePort();
  const settings: Record<string, string> = {
    APP_ENV: 'production',
    APP_KEY: `the key of ${name}, which nobody else has`,
    APP_HOST: '127.0.0.1',
    APP_PORT: String(port),
    API_BASE_PATH: '/api/',
    DB_LOGGING: 'off',
    DB_DIALECT: 'postgres',
    DB_HOST: database.host,
    DB_PORT: String(database.port),
    DB_DATABASE: database.name,
    DB_USER: database.user,
    DB_PASSWORD: database.password,
    TZ: 'UTC',
    INIT_ROOT_EMAIL: 'admin@nocobase.com',
    INIT_ROOT_PASSWORD: 'admin123',
    INIT_ROOT_NICKNAME: 'Super Admin',
    INIT_ROOT_USERNAME: 'nocobase',
    ...env,
  };
  await writeFile(
    join(path, '.env'),
    Object.entries(settings)
      .map(([key, value]) => `${key}="${value}"\n`)
      .join(''),
  );
  const runs = environment(yarn, ...(tools === undefined ? [] : [tools]));
  const nocobase = async (task: string) => {
    await run('yarn', ['-s', 'nocobase', task], { cwd: path, env: runs, maxBuffer: 64 * 1024 * 1024 });
  };
  await nocobase('install');

  const address = `http://127.0.0.1:${port}/api/`;
  let child: ChildProcess | null = null;
  let printed = '';
  const stop = async () => {
    const ending = child;
    child = null;
    if (!ending?.pid || ending.exitCode !== null) return;
    const gone = new Promise((ended) => ending.once('exit', ended));
    process.kill(-ending.pid, 'SIGTERM');
    const late = setTimeout(() => process.kill(-(ending.pid ?? 0), 'SIGKILL'), 30_000);
    await gone;
    clearTimeout(late);
  };
  return {
    path,
    port,
    start: async () => {
      printed = '';
      const args = ['node_modules/@nocobase/cli-v1/bin/index.js', 'start', '--launch-mode', 'node'];
      child = spawn('node', args, {
        cwd: path,
        env: runs,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      await until(
        async () =>
          (
            await fetch(`${address}__health_check`).then(
              (answer) => answer.text(),
              () => '',
            )
          ).trim() === 'ok',
        'NocoBase answers',
        180_000,
      );
    },
    stop,
    upgrade: () => nocobase('upgrade'),
    printed: () => printed,
    as: async (token) => openSession(address, token),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(path, { recursive: true, force: true });
    },
  };
}

async function openSession(address: string, given?: string): Promise<Session> {
  const ask = async (action: string, init: RequestInit): Promise<Response> => {
    const answer = await fetch(address + action, init);
    if (answer.ok) return answer;
    throw new Error(`${action}: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
  };
  const token = given ?? (await signIn(ask));
  const headers = { authorization: `Bearer ${token}` };
  return {
    token,
    call: async (action, body) => {
      const answer = await ask(action, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return text === '' ? null : ((JSON.parse(text) as { data?: unknown }).data ?? null);
    },
    upload: async (action, name, content) => {
      const form = new FormData();
      form.append('file', new Blob([content]), name);
      const answer = await ask(action, { method: 'POST', headers, body: form });
      return ((await answer.json()) as { data: Record<string, unknown> }).data;
    },
    download: async (action) => Buffer.from(await (await ask(action, { headers })).arrayBuffer()),
  };
}

async function signIn(ask: (action: string, init: RequestInit) => Promise<Response>): Promise<string> {
  const answer = await ask('auth:signIn', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-authenticator': 'basic' },
    body: JSON.stringify({ account: 'nocobase', password: 'admin123' }),
  });
  return ((await answer.json()) as { data: { token: string } }).data.token;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
