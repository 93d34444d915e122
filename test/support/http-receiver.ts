import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ReceiverAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface HttpReceiver extends AsyncDisposable {
  /** Without a slash at the end. */
  url: string;
  port: number;
  requests: Received[];
  /** From here on; `hang`: takes everything and never answers. */
  answer(how: ReceiverAnswer | ((received: Received) => ReceiverAnswer) | 'hang'): void;
}

/** A real server that keeps what it was sent. */
export async function startReceiver(tls?: { key: string; cert: string }): Promise<HttpReceiver> {
  const requests: Received[] = [];
  let how: ReceiverAnswer | ((received: Received) => ReceiverAnswer) | 'hang' = { status: 200 };
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request;
    const received = { method, url, headers, body: await buffer(request) };
    requests.push(received);
    if (how === 'hang') return;
    const { status, headers: more = {}, body = '' } = typeof how === 'function' ? how(received) : how;
    response.writeHead(status, more).end(body);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    onRequest(request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${port}`,
    port,
    requests,
    answer: (next) => (how = next),
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
