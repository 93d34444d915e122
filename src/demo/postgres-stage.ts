import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { throwIfAborted } from '../base/abort.ts';
import { step } from '../base/progress.ts';
import { startTemporaryServer, type TemporaryServer } from '../engines/postgres/temporary/temporary-server.ts';
import { postgresShop } from './postgres-shop.ts';
import type { Session } from './session.ts';
import type { PlannedStage } from './stage.ts';

/** A server of its own, from the installed programs. */
export const postgresStage: PlannedStage = {
  engine: 'postgres',
  chapter: 'A throw-away PostgreSQL with a shop in it',
  note: null,
  prepare: async ({ folder, report, signal }) => {
    const server = await step(report, 'server', () => startTemporaryServer({}, signal), describeServer);
    try {
      await writeFile(join(folder, 'password'), server.password.reveal(), { mode: 0o600 });
      await using admin = await openSession(server, 'postgres', signal);
      await admin.run('CREATE DATABASE shop');
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return {
      shop: postgresShop,
      config: `{ url: "postgres://${server.user}@${server.host}:${server.port}/shop", password: "\${file:./password}" }`,
      open: (later) => openSession(server, 'shop', later),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

function describeServer(server: TemporaryServer): string {
  return `PostgreSQL ${server.version} on ${server.host}:${server.port}`;
}

/** What the shop's own programs would use: a plain connection. Ends when disposed, or when the signal fires. */
async function openSession(server: TemporaryServer, database: string, signal: AbortSignal): Promise<Session> {
  throwIfAborted(signal);
  const { host, port, user, password } = server;
  const client = new Client({ host, port, user, password: password.reveal(), database, application_name: 'shop' });
  // The statement that runs fails with the same error; without a listener the process would end.
  client.on('error', () => undefined);
  const end = () => void client.end().catch(() => undefined);
  await client.connect();
  signal.addEventListener('abort', end, { once: true });
  const ask = async (sql: string) => {
    throwIfAborted(signal);
    try {
      return await client.query<(string | number | null)[]>({ text: sql, rowMode: 'array' });
    } catch (error) {
      throwIfAborted(signal);
      throw error;
    }
  };
  return {
    run: async (sql) => {
      await ask(sql);
    },
    value: async (sql) => {
      const { rows } = await ask(sql);
      const value = rows[0]?.[0] ?? null;
      return value === null ? null : String(value);
    },
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', end);
      await client.end().catch(() => undefined);
    },
  };
}
