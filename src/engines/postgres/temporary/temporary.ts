import { makeScratch } from '../../../base/scratch.ts';
import type { Access } from '../connect/access.ts';
import { quoteIdent } from '../connect/names.ts';
import { startTemporaryServer } from './temporary-server.ts';

/** A server of our own, as old as `like` or newer, with the roles that a dump of it names. The database is not created yet. */
export async function openTemporary(
  access: Access,
  like: { serverVersion: string; roles: string[] },
  signal: AbortSignal,
): Promise<{ access: Access } & AsyncDisposable> {
  const { scratch } = access.context;
  makeScratch(scratch);
  await using cleanup = new AsyncDisposableStack();
  const major = Number.parseInt(like.serverVersion, 10);
  const options = { major: Number.isNaN(major) ? null : major, parent: scratch };
  const server = cleanup.use(await startTemporaryServer(options, signal));
  const temporary = access.at({
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database: access.address.database,
    ssl: { mode: 'disable', ca: null, cert: null, key: null },
    connectTimeoutMs: 30_000,
  });
  await createRoles(
    temporary,
    like.roles.filter((role) => role !== server.user && !role.startsWith('pg_')),
    signal,
  );
  const kept = cleanup.move();
  return { access: temporary, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Without a login: nobody but us gets into that server. */
async function createRoles(access: Access, roles: readonly string[], signal: AbortSignal): Promise<void> {
  await using session = await access.connect(signal, { database: 'postgres' });
  for (const role of roles) await session.rows(`CREATE ROLE ${quoteIdent(role)} NOLOGIN`);
}
