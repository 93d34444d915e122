import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { createConnection } from 'node:net';
import { HoldfastError, systemErrno } from '../base/errors.ts';

/** A host and a port (0: any free one), or a socket in the file system. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Servers that listen. */
export interface Bound {
  readonly servers: readonly [HttpServer, ...HttpServer[]];
  /** As it is configured. */
  readonly wanted: ListenAddress;
  /** With the port that was found, where any was good. */
  readonly got: ListenAddress;
  /** As `Server.address` has it. */
  readonly address: string;
}

/** Begins to listen with servers that are made for it. */
export async function bindTo(make: () => HttpServer, wanted: ListenAddress): Promise<Bound> {
  try {
    if ('path' in wanted) {
      await removeDeadSocket(wanted.path);
      return { servers: [await opened(make(), wanted)], wanted, got: wanted, address: `unix:${wanted.path}` };
    }
    const { host } = wanted;
    const first = await opened(make(), wanted);
    const found = first.address();
    const got = { host, port: typeof found === 'object' && found !== null ? found.port : wanted.port };
    const address = `http://${host.includes(':') ? `[${host}]` : host}:${got.port}`;
    return { servers: [first, ...(await others(make, first, got))], wanted, got, address };
  } catch (error) {
    throw listenError(error, wanted);
  }
}

/** Listening at one keeps the other from listening. */
export function isSamePort({ got }: Bound, wanted: ListenAddress): boolean {
  return 'port' in got && 'port' in wanted && got.port === wanted.port;
}

async function opened(server: HttpServer, listen: ListenAddress): Promise<HttpServer> {
  server.listen(listen);
  await once(server, 'listening');
  return server;
}

/** `localhost` means each of its addresses, as far as the machine has them. */
async function others(
  make: () => HttpServer,
  first: HttpServer,
  { host, port }: { host: string; port: number },
): Promise<HttpServer[]> {
  if (host !== 'localhost') return [];
  const found = first.address();
  const own = typeof found === 'object' && found !== null ? found.address : '';
  const all = await lookup(host, { all: true });
  const rest = all.filter(({ address }) => address !== own);
  const tried = await Promise.allSettled(rest.map(({ address }) => opened(make(), { host: address, port })));
  return tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}

function listenError(error: unknown, listen: ListenAddress): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const where = 'path' in listen ? listen.path : `${listen.host}:${listen.port}`;
  const problem = (code: string, message: string, hint: string) =>
    new HoldfastError(code, message, { kind: 'usage', hint, cause: error });
  switch (systemErrno(error)) {
    case 'EADDRINUSE':
      return problem(
        'LISTEN_IN_USE',
        `another program listens at ${where} already`,
        'End it, or set `server.listen` (HOLDFAST_LISTEN) to another port; `server: false` runs without HTTP.',
      );
    case 'EACCES':
    case 'EPERM':
      return problem(
        'LISTEN_NOT_ALLOWED',
        `this user may not listen at ${where}`,
        'Choose a port from 1024 on, or a folder this user may write, under `server.listen`.',
      );
    default:
      return problem(
        'LISTEN_FAILED',
        `it is not possible to listen at ${where}`,
        'Set `server.listen` (HOLDFAST_LISTEN) to an address of this machine, such as 127.0.0.1:8420 or 0.0.0.0:8420.',
      );
  }
}

/** A daemon that was killed leaves its socket; nobody answers there, but it is in the way. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.isSocket() && !(await answers(path))) await unlink(path);
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(systemErrno(error) !== 'ECONNREFUSED'));
  });
}
