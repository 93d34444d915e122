import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface FaultRule {
  method?: string;
  /** In the path with its query. */
  path?: string | RegExp;
  /** Not the first so many that fit. */
  skip?: number;
  /** Then so many; all by default. */
  times?: number;
  fault: Fault;
}

export type Fault =
  | { kind: 'delay'; ms: number }
  /** An answer as S3 gives it, without asking the server. */
  | { kind: 'status'; status: number; code: string }
  /** Closes the connection before anything reaches the server. */
  | { kind: 'reset' }
  /** The server gets so many bytes of the body, then the connection is gone. */
  | { kind: 'cut-request'; after: number }
  /** The client gets so many bytes of the body, then the connection is gone. */
  | { kind: 'cut-reply'; after: number }
  /** A shorter body that says of itself that it is whole. */
  | { kind: 'shorten'; to: number }
  /** Refuses before the body has come; whoever sends it all the same finds the connection gone, and never sees the answer. */
  | { kind: 'refuse-early'; status: number; code: string }
  /** Nothing is ever answered. */
  | { kind: 'hang' }
  /** The server does it, and the client never learns. */
  | { kind: 'lost-reply' };

export interface SeenRequest {
  method: string;
  path: string;
  status: number | null;
}

export interface FaultProxy extends AsyncDisposable {
  url: string;
  /** Replaces the rules and forgets what was seen. */
  set(...rules: FaultRule[]): void;
  seen: SeenRequest[];
  /** How often the rules struck. */
  struck(): number;
}

/** Passes HTTP on to a server, headers unchanged so that signatures stay valid, and does harm where the rules say so. */
export async function faultProxy(upstream: string): Promise<FaultProxy> {
  const target = new URL(upstream);
  let rules: (FaultRule & { met: number })[] = [];
  let strikes = 0;
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();

  const faultFor = (method: string, path: string): Fault | null => {
    for (const rule of rules) {
      if (rule.method !== undefined && rule.method !== method) continue;
      if (typeof rule.path === 'string' ? !path.includes(rule.path) : rule.path && !rule.path.test(path)) continue;
      rule.met += 1;
      const { met, skip = 0, times = Number.POSITIVE_INFINITY } = rule;
      if (met <= skip || met > skip + times) continue;
      strikes += 1;
      return rule.fault;
    }
    return null;
  };

  const server = createServer((incoming, answer) => {
    const { method = 'GET', url = '/' } = incoming;
    const record: SeenRequest = { method, path: url, status: null };
    seen.push(record);
    const fault = faultFor(method, url);
    if (fault?.kind === 'reset') incoming.socket.resetAndDestroy();
    else if (fault?.kind === 'hang') incoming.resume();
    else if (fault?.kind === 'refuse-early') refuseEarly(incoming, answer, fault, record);
    else if (fault?.kind === 'status') answerXml(incoming, answer, fault, record);
    else if (fault?.kind === 'delay') setTimeout(() => pass({ incoming, answer, target, record, fault }), fault.ms);
    else pass({ incoming, answer, target, record, fault });
  });
  // The client waits for "100 Continue"; the server's own is what counts.
  server.on('checkContinue', (incoming: IncomingMessage, answer: ServerResponse) => {
    answer.writeContinue();
    server.emit('request', incoming, answer);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    set: (...wanted) => {
      rules = wanted.map((rule) => ({ ...rule, met: 0 }));
      strikes = 0;
      seen.length = 0;
    },
    seen,
    struck: () => strikes,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Passing {
  incoming: IncomingMessage;
  answer: ServerResponse;
  target: URL;
  record: SeenRequest;
  fault: Fault | null;
}

function pass({ incoming, answer, target, record, fault }: Passing): void {
  const { host, ...headers } = incoming.headers;
  delete headers.expect;
  const outgoing = request({
    host: target.hostname,
    port: target.port,
    method: record.method,
    path: record.path,
    headers: { ...headers, host: host ?? '' },
  });
  const gone = () => incoming.socket.resetAndDestroy();
  outgoing.once('error', gone);
  outgoing.once('response', (reply) => {
    record.status = reply.statusCode ?? null;
    reply.on('error', gone);
    if (fault?.kind === 'lost-reply') {
      reply.resume().once('end', gone);
    } else if (fault?.kind === 'cut-reply' || fault?.kind === 'shorten') {
      shorten(reply, answer, fault, gone);
    } else {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    }
  });
  // A client that went away must not leave half a request waiting at the server.
  answer.once('close', () => outgoing.destroy());
  if (fault?.kind !== 'cut-request') {
    incoming.pipe(outgoing);
    return;
  }
  let passed = 0;
  incoming.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.max(0, fault.after - passed));
    passed += chunk.length;
    outgoing.write(part);
    if (passed < fault.after) return;
    outgoing.destroy();
    gone();
  });
}

function shorten(
  reply: IncomingMessage,
  answer: ServerResponse,
  fault: { kind: 'cut-reply'; after: number } | { kind: 'shorten'; to: number },
  gone: () => void,
): void {
  const chunks: Buffer[] = [];
  reply.on('data', (chunk: Buffer) => chunks.push(chunk));
  reply.once('end', () => {
    const body = Buffer.concat(chunks);
    if (fault.kind === 'shorten') {
      const short = body.subarray(0, fault.to);
      answer.writeHead(reply.statusCode ?? 502, { ...reply.headers, 'content-length': String(short.length) });
      answer.end(short);
      return;
    }
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    // A reset that comes together with the last bytes can look like a clean end.
    answer.write(body.subarray(0, fault.after), () => setTimeout(gone, 25));
  });
}

function answerXml(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { status, code }: { status: number; code: string },
  record: SeenRequest,
): void {
  record.status = status;
  incoming.resume().once('end', () => writeXml(answer, status, code));
}

const politeMs = 300;

function refuseEarly(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { status, code }: { status: number; code: string },
  record: SeenRequest,
): void {
  let received = 0;
  incoming.on('data', (chunk: Buffer) => (received += chunk.length));
  setTimeout(() => {
    record.status = status;
    if (received > 1) incoming.socket.resetAndDestroy();
    else writeXml(answer, status, code);
  }, politeMs);
}

function writeXml(answer: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>by the proxy</Message></Error>`;
  answer.writeHead(status, { 'content-type': 'application/xml', 'content-length': String(Buffer.byteLength(body)) });
  answer.end(body);
}
