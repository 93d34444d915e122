import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { ask, type Server } from './restore-rich-base.ts';

/** Where a NocoDB lies that a test may start itself: the folder with its `node_modules`, and a Node that runs it. */
export interface Installed {
  folder: string;
  node: string;
}

/** Why nothing is tested, where nothing is. */
export const notInstalled =
  'no NocoDB can be started: set HOLDFAST_TEST_NOCODB_APP (a folder in which nocodb is installed) and _NODE (a Node 22 that runs it)';

export function installedNocodb(): Installed | null {
  const { HOLDFAST_TEST_NOCODB_APP: folder, HOLDFAST_TEST_NOCODB_NODE: node } = process.env;
  return folder && node ? { folder, node } : null;
}

export interface OwnServer extends Server, AsyncDisposable {}

const email = 'admin@example.test';
const password = 'Passw0rd!x';

// The package has no program of its own.
const script = `
const express = require('express');
const http = require('node:http');
const { Noco } = require('nocodb');
const app = express();
const server = http.createServer(app);
Noco.init({}, server, app).then((router) => {
  app.use(router);
  server.listen(Number(process.env.PORT), '127.0.0.1');
});
`;

/** NocoDB on a data folder of the test's; ended when disposed. `token`: one that its database knows already. */
export async function startNocodb(
  { folder, node }: Installed,
  { data, database, token, port: wanted }: { data: string; database: string | null; token?: string; port?: number },
): Promise<OwnServer> {
  const port = wanted ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(node, ['-e', script], {
    cwd: data,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: data,
      NODE_PATH: join(folder, 'node_modules'),
      PORT: String(port),
      NC_TOOL_DIR: data,
      NC_ADMIN_EMAIL: email,
      NC_ADMIN_PASSWORD: password,
      NC_AUTH_JWT_SECRET: 'a secret of the tests',
      NC_DISABLE_TELE: 'true',
      ...(database === null ? {} : { NC_DB: database }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`NocoDB ended with ${child.exitCode}: ${said}`);
        return fetch(`${url}/api/v1/health`).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      'NocoDB answers',
      300_000,
    );
    return { url, token: token ?? (await newToken(url)), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function newToken(url: string): Promise<string> {
  const post = async (path: string, headers: Record<string, string>, body: object) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return ((await answer.json()) as { token: string }).token;
  };
  const session = await post('/api/v1/auth/user/signin', {}, { email, password });
  const token = await post('/api/v1/tokens', { 'xc-auth': session }, { description: 'tests' });
  await ask({ url, token }, 'GET', '/api/v2/auth/user/me');
  return token;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
