import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { builtProgram } from '../support/built-program.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { installedNocodb, notInstalled, startNocodb, type OwnServer } from './own-server.ts';
import { differences, likeness } from './restore-likeness.ts';
import { ask, richBase, type Server } from './restore-rich-base.ts';

const installed = installedNocodb();

test.skipIf(installed === null)(`there is a NocoDB to start (otherwise: ${notInstalled})`, () => {
  expect(installed).not.toBeNull();
});

/** What the guide says to type, by heading; both languages have the same blocks (`translated-docs.test.ts`). */
async function blocksOf(heading: string): Promise<string[]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/nocodb.md'), 'utf8');
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text);
  if (blocks.length === 0) throw new Error(`the guide says nothing to type under ${heading}`);
  return blocks;
}

/** A NocoDB that `docker compose stop nocodb` and `start nocodb` of the guide reach. */
interface Stack extends AsyncDisposable {
  server: Server;
  control: string;
}

interface Place {
  data: string;
  database: string | null;
  settings: Record<string, unknown>;
}

async function stackOn(place: Place): Promise<Stack> {
  if (installed === null) throw new Error(notInstalled);
  await using doors = new AsyncDisposableStack();
  const first = await startNocodb(installed, place);
  const { url, token } = first;
  let running: OwnServer | null = first;
  const stop = async () => {
    await running?.[Symbol.asyncDispose]();
    running = null;
  };
  doors.defer(stop);
  const start = async () => {
    running ??= await startNocodb(installed, { ...place, token, port: Number(new URL(url).port) });
  };
  const control: HttpServer = createServer((request, response) => {
    const done = request.url === '/stop' ? stop() : start();
    done.then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(control, 'listening');
  doors.defer(() => void control.close());
  const address = control.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const kept = doors.move();
  return {
    server: { url, token },
    control: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Types a block into a shell, as it stands there; where a person would be asked, the answer is yes. */
async function type(
  block: string,
  { holdfast, control, cwd, env = {} }: { holdfast: Installation; control: string; cwd?: string; env?: object },
): Promise<string> {
  const bin = join(holdfast.folder, 'bin');
  await mkdir(bin, { recursive: true });
  const { program, env: itsOwn } = builtProgram();
  const holdfastLine = `case "$1" in restore) exec '${program}' "$@" --yes ;; *) exec '${program}' "$@" ;; esac`;
  for (const [name, line] of [
    ['holdfast', holdfastLine],
    ['docker', `exec curl -fsS '${control}/'"$2"`],
  ] as const) {
    await writeFile(join(bin, name), `#!/bin/sh\n${line}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const { PATH = '', HOME = '' } = process.env;
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', block], {
    cwd: cwd ?? holdfast.folder,
    env: { PATH: `${bin}:${PATH}`, HOME, LC_ALL: 'C.UTF-8', ...itsOwn, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

async function baseCalled(server: Server, title: string): Promise<string> {
  const { list } = await ask<{ list: { id: string; title: string }[] }>(server, 'GET', '/api/v2/meta/bases');
  const found = list.find((base) => base.title === title);
  if (found === undefined) throw new Error(`no base ${title}`);
  return found.id;
}

async function tableCalled(server: Server, base: string, title: string): Promise<string> {
  const path = `/api/v2/meta/bases/${base}/tables`;
  const { list } = await ask<{ list: { id: string; title: string }[] }>(server, 'GET', path);
  const found = list.find((table) => table.title === title);
  if (found === undefined) throw new Error(`no table ${title}`);
  return found.id;
}

test.skipIf(installed === null).each(['SQLite', 'PostgreSQL'] as const)(
  'N-34 N-41 N-43 N-45: the four scenarios of the guide, typed as they stand there, with NocoDB on %s',
  { timeout: 1_800_000 },
  async (engine) => {
    await using doors = new AsyncDisposableStack();
    const scratch = doors.use(await temporaryFolder()).path;
    const postgres: TestPostgres | null = engine === 'PostgreSQL' ? doors.use(await startPostgres()) : null;
    const place = async (name: string): Promise<Place> => {
      const data = join(scratch, name);
      await mkdir(data);
      await postgres?.createDatabase(name);
      if (postgres === null)
        return { data, database: null, settings: { engine: 'sqlite', path: join(data, 'noco.db') } };
      const { host, port, user, password } = postgres;
      const database = `pg://${host}:${port}?u=${user}&p=${encodeURIComponent(password)}&d=${name}`;
      return { data, database, settings: { url: postgres.url(name) } };
    };
    // On SQLite the database lies in the data folder, and is saved by itself.
    const folderOf = ({ data }: Place) => (postgres === null ? join(data, 'nc') : data);
    const configOf = (at: Place, { url, token }: Server, backups: string) => ({
      state: './state',
      sources: {
        nocodb: {
          database: at.settings,
          files: [{ name: 'nocodb-data', path: folderOf(at) }],
          app: { kind: 'nocodb', url, token },
        },
      },
      storages: { local: { type: 'local', path: backups } },
    });

    const home = await place('home');
    const { server, control } = doors.use(await stackOn(home));
    await using holdfast = await installHoldfast({ url: '' });
    await holdfast.configure(configOf(home, server, './backups'));
    const shop = await richBase(server, { title: 'Shop', records: 60, files: 20, postgres: postgres !== null });
    const orders = await tableCalled(server, shop, 'Orders (2024), all');
    await ask(server, 'PATCH', `/api/v2/meta/tables/${orders}`, { title: 'Orders', table_name: 'Orders' });
    // What an unencrypted backup does not hold of a webhook is named as lost.
    const { list: hooks } = await ask<{ list: { id: string }[] }>(server, 'GET', `/api/v2/meta/tables/${orders}/hooks`);
    for (const { id } of hooks) await ask(server, 'DELETE', `/api/v2/meta/hooks/${id}`);
    const before = await likeness(server, shop);
    for (const block of await blocksOf('Configuration')) await type(block, { holdfast, control });

    // Full recovery: the base is gone, and so are the files.
    const [recovery = '', files = ''] = await blocksOf('Full recovery');
    await ask(server, 'DELETE', `/api/v2/meta/bases/${shop}`);
    await rm(join(home.data, 'nc/uploads'), { recursive: true });
    await type(recovery, { holdfast, control });
    expect(differences(before, await likeness(server, shop))).toEqual([]);
    await rm(join(home.data, 'nc/uploads'), { recursive: true });
    await type(files, { holdfast, control });
    expect(differences(before, await likeness(server, shop))).toEqual([]);

    // A copy on another system, with the same storage.
    await (async () => {
      const away = await place('away');
      await using other = await stackOn(away);
      await using there = await installHoldfast({ url: '' });
      await there.configure(configOf(away, other.server, holdfast.storage));
      for (const block of await blocksOf('A copy on another system'))
        await type(block, { holdfast: there, control: other.control });
      expect(differences(before, await likeness(other.server, await baseCalled(other.server, 'Shop')))).toEqual([]);
    })();

    // One base or one table, beside the base that lives on; some of its records are gone.
    await ask(server, 'DELETE', `/api/v2/tables/${orders}/records`, [{ Id: 2 }, { Id: 3 }]);
    for (const block of await blocksOf('One base or one table')) await type(block, { holdfast, control });
    const restored = await likeness(server, await baseCalled(server, 'Shop, restored'));
    // `--with-attachments` was not said.
    const withoutFiles = (line: string) => !/^value Orders\/\d+\/Files: /.test(line);
    expect(differences(before, restored).filter(withoutFiles)).toEqual([]);
    const live = differences(before, await likeness(server, shop)).filter(withoutFiles);
    expect(live.filter((line) => !line.startsWith('comments Orders/'))).toEqual([]);
    expect(await readdir(join(holdfast.folder, 'recovered'))).not.toEqual([]);

    // By hand, into an empty database and an empty folder.
    const hand = await place('nocodb');
    await mkdir(folderOf(hand), { recursive: true });
    const [id = ''] = await holdfast.stored('nocodb');
    const folder = join(holdfast.storage, 'nocodb', id);
    const there = await readdir(folder);
    const env = postgres === null ? {} : connection(postgres);
    const [byHand = ''] = await blocksOf('By hand');
    let opened = 0;
    for (const line of byHand.trim().split('\n')) {
      const [, name = ''] = /(database\.\S+|files\/\S+|bases\/\S+)/.exec(line) ?? [];
      // A database has one of the forms that are named.
      if (name.startsWith('database.') && !there.includes(name)) continue;
      opened += 1;
      const here = line.replace(' /nocodb-data', ` ${name.startsWith('files/') ? folderOf(hand) : hand.data}`);
      const said = await type(here, { holdfast, control, cwd: folder, env });
      if (!name.startsWith('bases/')) continue;
      const ids = said.trim().split('\n').map(Number);
      expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
    }
    expect(opened).toBe(3);
    await using again = await stackOn({ ...hand });
    expect(differences(before, await likeness({ ...again.server, token: server.token }, shop))).toEqual([]);
  },
);

function connection({ host, port, user, password }: TestPostgres): Record<string, string> {
  return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password };
}
