import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { until } from './until.ts';

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function untilListening(port: number, alive: () => boolean, output: () => string): Promise<void> {
  await until(async () => {
    if (!alive()) throw new Error(`the server ended: ${output()}`);
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }, `a server on port ${port}`);
}

/** A way to a server that can be cut. */
export interface CutProxy extends AsyncDisposable {
  port: number;
  /** Cuts each connection once so many bytes have gone up through it; null: never. */
  cutAfter(bytes: number | null): void;
  /** Cuts what is open now. */
  cut(): void;
  /** Nothing that is said on what is open now arrives any more; what the server says still does. */
  deafen(): void;
  /** Bytes from the client so far. */
  up(): number;
}

export async function cutProxy(target: number): Promise<CutProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let limit: number | null = null;
  let total = 0;
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    let here = 0;
    client.on('data', (chunk: Buffer) => {
      here += chunk.length;
      total += chunk.length;
      if (limit === null || here < limit) return;
      for (const socket of pair) socket.destroy();
    });
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cutAfter: (bytes) => (limit = bytes),
    cut,
    deafen: () => {
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        client.resume();
      }
    },
    up: () => total,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
