import type { FastifyInstance, FastifyRequest } from 'fastify';
import { openAccess } from '../access/access.ts';
import type { House } from '../house.ts';
import type { DaemonView } from '../schedule/daemon.ts';
import { authenticate } from './authenticate.ts';
import { docsPage } from './docs-page.ts';
import { alertHandlers } from './handlers/alerts.ts';
import { downloadHandlers } from './handlers/downloads.ts';
import { eventHandlers } from './handlers/events.ts';
import { restoreHandlers } from './handlers/restores.ts';
import { accessHandlers } from './handlers/access.ts';
import { backupHandlers } from './handlers/backups.ts';
import type { ApiParts } from './handlers/parts.ts';
import { runHandlers } from './handlers/runs.ts';
import { sessionHandlers } from './handlers/session.ts';
import { sourceHandlers } from './handlers/sources.ts';
import { openListings } from './listings.ts';
import { openRunWatch } from './run-watch.ts';
import { openWork } from './work.ts';
import { openApi } from './openapi.ts';
import { assertSignedIn, registerRoutes } from './register.ts';

export interface RunningApi extends ApiParts, AsyncDisposable {
  /** Ends what would go on for ever. */
  close(): void;
}

/** The running parts of the API; disposing it ends what was begun over HTTP. */
export function openApiParts(
  house: House,
  daemon: DaemonView,
  { publicUrl }: { publicUrl: string | null },
): RunningApi {
  const { catalog, clock, logger } = house;
  const work = openWork(logger);
  const access = openAccess({ catalog, clock });
  const listings = openListings(catalog);
  const watch = openRunWatch(catalog);
  const closing = new AbortController();
  return {
    house,
    access,
    daemon,
    work,
    listings,
    watch,
    repeating: new Map(),
    publicUrl,
    closing: closing.signal,
    close: () => closing.abort(),
    [Symbol.asyncDispose]: async () => {
      watch[Symbol.dispose]();
      await work[Symbol.asyncDispose]();
    },
  };
}

/** `/api/v1`: everything behind a session or a token. */
export function registerApi(app: FastifyInstance, parts: RunningApi): void {
  const { house, access, publicUrl } = parts;
  const handlers = {
    ...sessionHandlers(parts),
    ...sourceHandlers(parts),
    ...backupHandlers(parts),
    ...downloadHandlers(parts),
    ...restoreHandlers(parts),
    ...runHandlers(parts),
    ...alertHandlers(parts),
    ...eventHandlers(parts),
    ...accessHandlers(parts),
  };
  const page = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'" };
  const onlyWho = (request: FastifyRequest) => assertSignedIn(authenticate(request, parts));
  app.get('/api/v1/openapi.json', async (request) => {
    onlyWho(request);
    return openApi(house.version);
  });
  app.get('/api/docs', async (request, reply) => {
    onlyWho(request);
    return reply.headers(page).type('text/html; charset=utf-8').send(docsPage());
  });
  const { catalog, clock, logger } = house;
  app.addHook('preClose', async () => parts.close());
  registerRoutes(app, { access, publicUrl, catalog, logger, now: () => clock.now(), handlers });
}
