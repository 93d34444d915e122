import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { unlessAborted, withTimeout } from './abort.ts';
import { HoldfastError, systemErrno } from './errors.ts';
import type { Gathering } from './gather.ts';

/** What one end is given to a program for, and the other is read. Both are closed by whoever opened them. */
export interface OutputPipe {
  readonly forProgram: Socket;
  /** Reads once it is resumed, and until `took` says that it is enough for now. */
  readonly forUs: Socket;
}

/** It takes a millisecond. A process that may not have more open files is never told so by the system. */
const longestMs = 30_000;

/**
 * A pipe that is read into memory of our choice. One that comes with a process is read into new memory each time, a gigabyte of it for a
 * gigabyte of dump, and throwing that away costs as much as compressing what was in it.
 *
 * The system gives a pair of connected sockets only to itself; ours meet under a name that nobody knows. Whoever sees it in the short time it
 * exists cannot show the secret, and is not the one that is given to the program.
 */
export async function openOutputPipe(
  into: Gathering,
  took: (bytes: number) => boolean,
  signal: AbortSignal,
): Promise<OutputPipe> {
  using time = withTimeout(signal, longestMs, tookTooLong);
  const secret = randomBytes(32);
  const path = `\0holdfast-${randomBytes(16).toString('hex')}`;
  const server = createServer();
  const strangers = new Set<Socket>();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const forUs = connect({
    path,
    onread: {
      buffer: () => into.room(),
      callback: (bytes) => {
        into.took(bytes);
        return took(bytes);
      },
    },
  });
  try {
    const both = Promise.all([showing(secret, { server, strangers }), connected(forUs, secret)]);
    const [forProgram] = await unlessAborted(both, time.signal);
    return { forProgram, forUs };
  } catch (error) {
    forUs.destroy();
    throw hungUp.includes(systemErrno(error) ?? '') ? noFileLeft(error) : error;
  } finally {
    server.close();
    for (const stranger of strangers) stranger.destroy();
  }
}

function showing(secret: Buffer, { server, strangers }: { server: Server; strangers: Set<Socket> }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.on('connection', (socket) => {
      strangers.add(socket);
      socket.on('error', () => undefined);
      socket.on('readable', () => {
        const shown = strangers.has(socket) ? (socket.read(secret.length) as Buffer | null) : null;
        if (!shown?.equals(secret)) return;
        strangers.delete(socket);
        resolve(socket);
      });
    });
  });
}

function connected(socket: Socket, secret: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    // Also later, when nobody else listens yet.
    socket.on('error', reject);
    socket.write(secret, (error) => {
      // Reading begins when somebody wants to.
      socket.pause();
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Only we listen: what is hung up at once could not be given a file, which the system tells nobody. */
const hungUp = ['EPIPE', 'ECONNRESET'];

function noFileLeft(cause: unknown): Error {
  return Object.assign(new Error('EMFILE: too many open files, for a pipe to a program', { cause }), {
    code: 'EMFILE',
  });
}

function tookTooLong(): HoldfastError {
  return new HoldfastError('TOOL_NOT_STARTED', 'no pipe could be opened to a program', {
    hint: 'This process may have too many files open: see `ulimit -n`.',
    retryable: true,
  });
}
