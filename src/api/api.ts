import type { FastifyInstance, FastifyRequest } from 'fastify';
import { openAccess } from '../access/access.ts';
import type { House } from '../house.ts';
import type { DaemonView } from '../schedule/daemon.ts';
import { authenticate } from './authenticate.ts';
import { routes } from './contract.ts';
import { docsPage } from './docs-page.ts';
import { alertHandlers } from './handlers/alerts.ts';
import { downloadHandlers } from './handlers/downloads.ts';
import { eventHandlers } from './handlers/events.ts';
import { restoreHandlers } from './handlers/restores.ts';
import { accessHandlers } from './handlers/access.ts';
import { backupHandlers } from './handlers/backups.ts';
import { importHandlers } from './handlers/imports.ts';
import { providerHandlers } from './handlers/provider.ts';
import { settingsHandlers } from './handlers/settings.ts';
import type { ApiParts, Reloading } from './handlers/parts.ts';
import { runHandlers } from './handlers/runs.ts';
import { scheduleHandlers } from './handlers/schedule.ts';
import { sessionHandlers } from './handlers/session.ts';
import { sourceHandlers } from './handlers/sources.ts';
import type { ServerSettings } from './options.ts';
import { openListings, warmUp } from './listings.ts';
import { openRunWatch } from './run-watch.ts';
import { opsBase, opsRoutes } from './ops-center/contract.ts';
import { opsHandlers, type OpsHandlers } from './ops-center/handlers.ts';
import { openWork } from './work.ts';
import { openApi } from './openapi.ts';
import { assertSignedIn, registerRoutes, type Handlers } from './register.ts';

export interface RunningApi extends ApiParts, AsyncDisposable {
  /** Ends what would go on for ever. */
  close(): void;
}

/** Each takes some fifteen megabytes, and the machine has other work for its processors. */
const mostThreads = 2;

/** The running parts of the API; disposing it ends what was begun over HTTP. */
export function openApiParts(
  own: House,
  daemon: DaemonView,
  { publicUrl, maxUpload, provider }: Pick<ServerSettings, 'publicUrl' | 'maxUpload' | 'provider'>,
  reloading: Reloading,
): RunningApi {
  // Of two that look at one state, handlers need the one that always answers.
  const house: House = { ...own, catalog: own.enduring };
  const { catalog, clock, logger } = house;
  const work = openWork({ catalog, logger });
  const access = openAccess({ catalog, clock });
  const listings = openListings(catalog);
  const watch = openRunWatch(catalog, logger);
  const closing = new AbortController();
  warmUp(listings, house.sources, closing.signal).catch(() => {
    // A catalog that is busy for a moment is asked again by whoever wants to know.
  });
  return {
    strict: own.catalog,
    house,
    access,
    daemon,
    work,
    listings,
    watch,
    repeating: new Map(),
    threads: { left: mostThreads },
    publicUrl,
    maxUpload,
    provider,
    reloading,
    closing: closing.signal,
    close: () => closing.abort(),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      watch[Symbol.dispose]();
      await work[Symbol.asyncDispose]();
    },
  };
}

/** `/api/v1`: everything behind a session or a token. */
export function registerApi(app: FastifyInstance, parts: RunningApi): void {
  const { house, access, publicUrl } = parts;
  const handlers: Handlers = {
    ...sessionHandlers(parts),
    ...sourceHandlers(parts),
    ...backupHandlers(parts),
    ...downloadHandlers(parts),
    ...restoreHandlers(parts),
    ...runHandlers(parts),
    ...alertHandlers(parts),
    ...eventHandlers(parts),
    ...accessHandlers(parts),
    ...scheduleHandlers(parts),
    ...settingsHandlers(parts),
    ...importHandlers(parts),
    ...providerHandlers(parts),
  };
  const page = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'" };
  const onlyWho = (request: FastifyRequest) => assertSignedIn(authenticate(request, parts));
  app.get('/api/v1/openapi.json', (request, reply) => {
    onlyWho(request);
    void reply.send(openApi(house.version));
  });
  app.get('/api/docs', (request, reply) => {
    onlyWho(request);
    void reply.headers(page).type('text/html; charset=utf-8').send(docsPage());
  });
  const { enduring, clock, logger } = house;
  app.addHook('preClose', async () => parts.close());
  const registration = { access, publicUrl, catalog: parts.strict, enduring, logger, now: () => clock.now() };
  registerRoutes(app, { base: '/api/v1', routes, handlers }, registration);
  const ops: OpsHandlers = opsHandlers(parts, handlers);
  registerRoutes(app, { base: opsBase, routes: opsRoutes, handlers: ops, slash: true }, registration);
}
