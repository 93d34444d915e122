import { request } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery';
let place: TemporaryFolder;

beforeAll(async () => {
  place = await temporaryFolder();
  runIn(join(place.path, 'shop.db'), 'create table orders (id integer)');
});
afterAll(() => place[Symbol.asyncDispose]());

interface Answer {
  status: number;
  cookie: string;
  body: unknown;
}

/** As curl --unix-socket does. */
function ask(socketPath: string, method: string, path: string, headers: object = {}, body?: object): Promise<Answer> {
  const answered = Promise.withResolvers<Answer>();
  const own = { host: 'localhost', 'x-holdfast': '1', 'content-type': 'application/json', ...headers };
  const sent = request({ socketPath, method, path: `/api/v1${path}`, headers: own }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    response.once('end', () =>
      answered.resolve({
        status: response.statusCode ?? 0,
        cookie: (response.headers['set-cookie'] ?? []).join().split(';')[0] ?? '',
        body: text === '' ? null : JSON.parse(text),
      }),
    );
  });
  sent.once('error', answered.reject);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return answered.promise;
}

test.each([
  [[], '203.0.113.9', 'socket'],
  [['unix', '198.51.100.0/24'], '203.0.113.9, 198.51.100.7', '203.0.113.9'],
])(
  'over a socket in the file system people sign in; with %j trusted they are told apart',
  async (proxies, forwarded, from) => {
    await using holdfast = await installHoldfast({ url: 'postgres://nobody@127.0.0.1/none' });
    const socket = join(holdfast.folder, 'socket');
    await holdfast.configure({
      state: './state',
      sources: { shop: { database: { path: join(place.path, 'shop.db') } } },
      storages: { local: { type: 'local', path: './backups' } },
      server: { listen: socket, trustedProxies: proxies },
    });
    await writeFile(join(holdfast.folder, 'password'), `${password}\n`);
    await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', 'password');
    const { child, ended } = holdfast.start({}, 'serve');
    let said = '';
    child.stderr?.on('data', (text: string) => (said += text));
    await until(() => said.includes(socket), 'it listens');
    const by = { 'x-forwarded-for': forwarded };
    const wrong = await ask(socket, 'POST', '/session', by, { name: 'ada', password: 'not the one' });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'LOGIN_WRONG' } });
    const { status, cookie } = await ask(socket, 'POST', '/session', by, { name: 'ada', password });
    expect(status).toBe(200);
    const listed = await ask(socket, 'GET', '/audit?action=signIn', { cookie });
    expect(listed).toMatchObject({
      status: 200,
      body: {
        items: [
          { action: 'signIn', from, outcome: 'done' },
          { action: 'signIn', from, outcome: 'refused' },
        ],
      },
    });
    child.kill('SIGTERM');
    expect((await ended).status).toBe(0);
  },
);
