import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HoldfastError } from '../base/errors.ts';
import { isBodyAwaited } from './awaited-bodies.ts';
import { answerBrokenRequest, answerByHand } from './broken-request.ts';
import { bindTo, isSamePort, type Bound, type ListenAddress } from './listen.ts';
import { problemType, toProblem } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Where the daemon is reached. It stays open while what answers behind it is exchanged: who comes meanwhile waits for a moment. Disposing it
 * lets running answers finish, for some seconds.
 */
export interface Front extends AsyncDisposable {
  /**
   * Listens there, and nowhere else any more. Rejects with `LISTEN_*` when the address cannot be had; then everything is as before.
   * Resolves to the address as `Server.address` has it.
   */
  listen(wanted: ListenAddress): Promise<string>;
  /** Who answers from now on, beginning with those who wait. */
  lead(answer: Answer): void;
  /** No answer takes long at the moment; streams of events, which never end, aside, and those that wait for what they are asked. */
  calm(): boolean;
  /**
   * Whoever comes now waits for `lead`. Resolves to whether all answers that were under way are given; otherwise nobody waits any more.
   * Who has not said for a while what they want is sent away: anybody could hold everything up like that.
   */
  hold(): Promise<boolean>;
  /** Whether somebody is to be led to another answer. */
  holding(): boolean;
  /** As after `lead`, with who answered before. */
  release(): void;
  /** Whoever waits, and whoever comes, is told to come back later. */
  refuse(): void;
  /** Listens no more; running answers finish, and who dawdles is not waited for. */
  close(): Promise<void>;
}

interface Flight {
  server: HttpServer;
  request: IncomingMessage;
  response: ServerResponse;
  since: number;
}

const headerLimit = 16 * 1024;
const mostConnections = 1_000;
/** Longer than any answer of ours takes, shorter than the ten seconds after which containers are killed. */
const graceMs = 5_000;
const calmMs = 1_000;
const lookMs = 10;

export function openFront(): Front {
  const flights = new Set<Flight>();
  let waiting: Flight[] = [];
  let answer: Answer = sayLater;
  let held = false;
  let bound: Bound | null = null;

  const pass = (flight: Flight) => {
    const { request, response } = flight;
    if (response.closed) return;
    flights.add(flight);
    response.once('close', () => {
      flights.delete(flight);
      if (!flight.server.listening) flight.server.closeIdleConnections();
    });
    answer(request, response);
  };
  const make = (): HttpServer => {
    const server = createServer(
      // Slow clients: headers must be here in time, and a silent connection goes. Bodies have their own time, since uploads may take hours.
      { maxHeaderSize: headerLimit, headersTimeout: 10_000, requestTimeout: 0, connectionsCheckingInterval: 2_000 },
      (request, response) => {
        const flight = { server, request, response, since: performance.now() };
        if (!server.listening) response.setHeader('connection', 'close');
        if (held) waiting.push(flight);
        else pass(flight);
      },
    );
    server.keepAliveTimeout = 10_000;
    server.maxConnections = mostConnections;
    server.setTimeout(120_000);
    server.on('clientError', (error: Error, socket: Socket) => answerBrokenRequest(error, socket));
    return server;
  };
  const lead = (to: Answer) => {
    answer = to;
    held = false;
    const came = waiting;
    waiting = [];
    for (const flight of came) pass(flight);
  };
  const release = () => lead(answer);
  const brief = () => [...flights].filter(({ response }) => !isEvents(response));
  /** Otherwise closing would wait for a client that keeps its connection for the next time. */
  const leave = async ({ servers }: Bound): Promise<void> => {
    const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const { server, response } of [...flights, ...waiting]) {
      if (servers.includes(server) && !response.headersSent) response.setHeader('connection', 'close');
    }
    const late = setTimeout(() => {
      for (const server of servers) server.closeAllConnections();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(late);
  };
  const close = async () => {
    const before = bound;
    bound = null;
    if (before !== null) await leave(before);
  };

  return {
    listen: async (wanted) => {
      const before = bound;
      if (before !== null && JSON.stringify(before.wanted) === JSON.stringify(wanted)) return before.address;
      try {
        bound = await bindTo(make, wanted);
      } catch (error) {
        if (before === null || !isSamePort(before, wanted)) throw error;
        // We are in the way ourselves, as with the same port of another address.
        for (const server of before.servers) server.close();
        bound = await bindTo(make, wanted).catch(async (again: unknown) => {
          bound = { ...(await bindTo(make, before.got)), wanted: before.wanted };
          throw again;
        });
      }
      if (before !== null) void leave(before);
      return bound.address;
    },
    lead,
    calm: () => brief().every(({ request, since }) => isBodyAwaited(request) || performance.now() - since < calmMs),
    hold: async () => {
      held = true;
      const limit = performance.now() + calmMs;
      while (brief().length > 0 && performance.now() < limit) await new Promise((next) => setTimeout(next, lookMs));
      const left = brief();
      if (left.every(({ request }) => isBodyAwaited(request))) {
        for (const { request } of left) {
          answerByHand(stopping(), request.socket);
          request.destroy();
        }
        return true;
      }
      release();
      return false;
    },
    holding: () => held,
    release,
    refuse: () => lead(sayLater),
    close,
    [Symbol.asyncDispose]: async () => {
      lead(sayLater);
      await close();
    },
  };
}

function isEvents(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
}

function sayLater(_request: IncomingMessage, response: ServerResponse): void {
  const problem = toProblem(stopping());
  const headers = { ...securityHeaders, 'content-type': problemType, 'retry-after': '5', connection: 'close' };
  response.writeHead(problem.status, headers).end(JSON.stringify(problem));
}

function stopping(): HoldfastError {
  return new HoldfastError('DAEMON_STOPPING', 'the daemon is being stopped', {
    kind: 'interrupted',
    retryable: true,
    hint: 'Try again once it is back.',
  });
}
