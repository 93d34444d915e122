import { Client } from 'pg';
import { throwIfAborted } from '../base/abort.ts';
import type { TemporaryServer } from '../engines/postgres/temporary-server.ts';

export interface Session extends AsyncDisposable {
  run(sql: string): Promise<void>;
  /** The first column of the first row. */
  value(sql: string): Promise<string | null>;
}

/** What the shop's own programs would use: a plain connection. Ends when disposed, or when the signal fires. */
export async function openSession(server: TemporaryServer, database: string, signal: AbortSignal): Promise<Session> {
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
