import { lstat, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { HoldfastError, systemErrno } from '../base/errors.ts';

/** A host and a port (0: any free one), or a socket in the file system. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Begins to answer; returns the address as `Server.address` has it. */
export async function listenAt(app: FastifyInstance, listen: ListenAddress): Promise<string> {
  try {
    if ('path' in listen) {
      await removeDeadSocket(listen.path);
      await app.listen({ path: listen.path });
      return `unix:${listen.path}`;
    }
    await app.listen({ host: listen.host, port: listen.port });
    const bound = app.server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
    return `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`;
  } catch (error) {
    throw listenError(error, listen);
  }
}

/** Longer than any answer of ours takes, shorter than the ten seconds after which containers are killed. */
const graceMs = 5_000;

/** Answers that are under way are finished; a client that dawdles is not waited for. */
export async function closeApp(app: FastifyInstance): Promise<void> {
  const late = setTimeout(() => app.server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(late);
  }
}

export function listenError(error: unknown, listen: ListenAddress): HoldfastError {
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
