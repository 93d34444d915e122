import { connect, type Socket } from 'node:net';
import { openFront } from '../../src/api/front.ts';
import { openServer, type Server } from '../../src/api/server.ts';
import type { ServerOptions, ServerSettings } from '../../src/api/options.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestServer extends AsyncDisposable {
  server: Server;
  url: string;
  port: number;
  catalog: Catalog;
  options: ServerOptions;
  lines: { level: string; message: string }[];
  /** How long ago the scheduler ticked. */
  tickedBefore(ms: number): void;
}

export interface Wanted {
  settings?: Partial<ServerSettings>;
  /** Where the state lies; default a folder of its own. */
  state?: string;
  sources?: ServerOptions['house']['sources'];
  console?: ServerOptions['console'];
  api?: ServerOptions['api'];
}

/** The HTTP server with a real catalog, beside a daemon that is only said to tick. */
export async function startHttpServer({
  settings = {},
  state,
  sources = [],
  console,
  api,
}: Wanted = {}): Promise<TestServer> {
  await using doors = new AsyncDisposableStack();
  const folder = state ?? doors.use(await temporaryFolder()).path;
  const catalog = doors.use(openCatalog(folder, systemClock));
  const lines: TestServer['lines'] = [];
  const startedAt = new Date();
  let age = 0;
  const options: ServerOptions = {
    house: { catalog, clock: systemClock, version: '1.2.3', instance: 'test', sources },
    daemon: {
      id: 'daemon-1',
      startedAt,
      tickAt: () => new Date(Date.now() - age),
      scheduling: true,
      nextRuns: () => sources.map(({ name }) => ({ plan: `backup/${name}`, at: startedAt })),
      running: () => 0,
    },
    settings: {
      listen: { host: '127.0.0.1', port: 0 },
      publicUrl: null,
      metrics: true,
      metricsToken: null,
      trustedProxies: [],
      maxUpload: 1024 * 1024,
      provider: null,
      ...settings,
    },
    logger: { log: (level, message) => void lines.push({ level, message }) },
    console,
    api,
  };
  const server = doors.use(await openServer(doors.use(openFront()), options));
  const port = server.address.startsWith('http') ? Number(new URL(server.address).port) : 0;
  const kept = doors.move();
  return {
    server,
    url: server.address,
    port,
    catalog,
    options,
    lines,
    tickedBefore: (ms) => void (age = ms),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Bytes as they are, because clients that are worth testing against do not speak through a library. */
export function rawRequest(port: number, text: string): { socket: Socket; answer: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (part: string) => (received += part));
  const answer = new Promise<string>((resolve) => {
    socket.once('error', () => undefined);
    socket.once('close', () => resolve(received));
  });
  socket.write(text);
  return { socket, answer };
}
