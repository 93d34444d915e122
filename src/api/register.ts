import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../access/access.ts';
import { actions, allows, type Action } from '../access/roles.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { patiently } from '../catalog/patiently.ts';
import { openAuditEntry, type AuditFacts } from './audit-entry.ts';
import { assertOwnPage, authenticate, notSignedIn, type Doorman } from './authenticate.ts';
import type { RequestOf, ResponseOf, Route, RouteName, Routes } from './contract.ts';
import { seeDocs } from './problem.ts';

export interface Call {
  /** Null only where the route is open to anybody. */
  readonly principal: Principal | null;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Fires when whoever asked has hung up. */
  readonly signal: AbortSignal;
  /** Into the audit log, before anything is done about it. */
  note(facts: AuditFacts): void;
}

export type Handler<R extends Route> = (call: Call & RequestOf<R>) => Promise<ResponseOf<R>> | ResponseOf<R>;
export type Handlers = { readonly [Name in RouteName]: Handler<Routes[Name]> };

export interface Registration extends Doorman {
  catalog: Catalog;
  /** The same, for routes that go on while it cannot be written. */
  enduring: Catalog;
  logger: Logger;
  now(): Date;
}

/** Routes with their handlers, and below what they stand. */
export interface RouteSet {
  base: string;
  routes: Readonly<Record<string, Route>>;
  handlers: object;
  /** Also with a slash at the end. */
  slash?: boolean;
}

/** Routes of a contract, each behind its check of who asks and of what they send. */
export function registerRoutes(app: FastifyInstance, set: RouteSet, registration: Registration): void {
  const add = (scope: FastifyInstance, [name, route]: [string, Route], end = '') => {
    const handle = (set.handlers as Record<string, Handler<Route>>)[name];
    if (!handle) throw new Error(`there is nothing behind the route ${name}`);
    scope.route({
      method: route.method,
      url: set.base + route.path.replaceAll(/\{(\w+)\}/g, ':$1') + end,
      // HEAD would do what GET does, only to throw it away.
      exposeHeadRoute: false,
      config: { upload: route.upload ?? false },
      handler: async (request, reply) => answer({ name, route, handle, registration }, request, reply),
    });
  };
  const all = Object.entries(set.routes);
  for (const each of all) if (!each[1].upload) add(app, each);
  if (set.slash) for (const each of all) add(app, each, '/');
  if (all.every(([, { upload }]) => !upload)) return;
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Left for the handler to read.
    scope.addContentTypeParser('application/octet-stream', (_request, content, done) => done(null, content));
    scope.addContentTypeParser('*', (_request, _content, done) => done(noFile()));
    for (const each of all) if (each[1].upload) add(scope, each);
  });
}

function noFile(): HoldfastError {
  return new HoldfastError('TYPE_UNSUPPORTED', 'this is no file as it is taken here', {
    kind: 'usage',
    hint: sendFile,
  });
}

const sendFile = 'Send the file as the body of the request, with `Content-Type: application/octet-stream`.';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may take longer than others to arrive. */
    upload?: boolean;
  }
}

interface Entry {
  name: string;
  route: Route;
  handle: Handler<Route>;
  registration: Registration;
}

async function answer(behind: Entry, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { name, route, handle, registration } = behind;
  const catalog = route.enduring ? registration.enduring : registration.catalog;
  const entry = openAuditEntry({ ...registration, catalog }, { name, route, request });
  let principal: Principal | null = null;
  try {
    principal = authenticate(request, registration);
    entry.by(principal);
    assertMay(principal, route, request, registration);
    const sent = readRequest(route, request);
    await patiently(catalog, () => entry.begin());
    const gone = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableEnded)
        gone.abort(new HoldfastError('INTERRUPTED', 'whoever asked has hung up', { kind: 'interrupted' }));
    });
    const note = (facts: AuditFacts) => entry.about(facts);
    const result = await handle({ principal, request, reply, signal: gone.signal, note, ...sent });
    entry.end('done');
    if (route.response === 'stream') return await reply;
    void reply.code(route.status ?? 200);
    return route.response === 'nothing' ? null : result;
  } catch (error) {
    const { kind, code } = toHoldfastError(error);
    const refused = kind === 'refused' || kind === 'usage' || kind === 'busy';
    entry.end(refused ? 'refused' : 'failed', code);
    // The rest of a file that nobody wants is not waited for.
    if (route.upload) void reply.header('connection', 'close');
    if (!reply.raw.headersSent) throw principal === null ? withoutPlaces(error, registration) : error;
    // Too late for another answer; only breaking off tells that this one is not whole.
    reply.raw.destroy();
    return reply.hijack();
  }
}

/** Strangers are not told where the state lies. */
function withoutPlaces(error: unknown, { logger }: Registration): unknown {
  const { code, kind, message, retryable } = toHoldfastError(error);
  if (!code.startsWith('CATALOG_')) return error;
  logger.log('error', message, { code });
  return new HoldfastError(code, 'the state of this installation cannot be read or written', {
    kind,
    retryable,
    cause: error,
    hint: 'The log of the daemon has the cause.',
  });
}

function assertMay(
  principal: Principal | null,
  route: Route,
  request: FastifyRequest,
  registration: Registration,
): void {
  if (route.action === null) {
    if (route.method !== 'GET') assertOwnPage(request, registration.publicUrl);
    return;
  }
  assertSignedIn(principal);
  if (route.action === 'signed-in') return;
  // For which source is asked by the handler, which knows it; here, whether for any.
  const { grant } = principal;
  const sources = aboutAll.has(route.action) ? grant.sources : null;
  if (!allows({ ...grant, sources }, route.action, null)) throw notAllowed(route.action);
}

/** What concerns the whole installation is not for whoever was given some of its sources. */
const aboutAll: ReadonlySet<Action> = new Set(['alert', 'settings', 'access']);

export function assertSignedIn(principal: Principal | null): asserts principal is Principal {
  if (!principal) throw notSignedIn();
}

export function notAllowed(action: string): HoldfastError {
  return new HoldfastError('NOT_ALLOWED', `this needs the right to ${action}`, {
    kind: 'refused',
    hint: `Ask somebody who may manage access; there are: ${actions.join(', ')}.`,
  });
}

/** All that is wrong with it at once. */
function readRequest(route: Route, request: FastifyRequest): RequestOf<Route> {
  if (route.upload && request.body === undefined)
    throw new HoldfastError('REQUEST_INVALID', 'there is no file in the request', { kind: 'usage', hint: sendFile });
  const problems: { path: string; message: string }[] = [];
  const read = (part: 'params' | 'query' | 'body', given: unknown): unknown => {
    const schema: z.ZodType | undefined = route[part];
    if (!schema) return undefined;
    const result = schema.safeParse(given ?? (part === 'body' ? undefined : {}));
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues) problems.push({ path: [part, ...path].join('.'), message });
    return undefined;
  };
  const sent = {
    params: read('params', request.params),
    query: read('query', request.query),
    body: read('body', request.body),
  };
  if (problems.length === 0) return sent as RequestOf<Route>;
  throw new HoldfastError('REQUEST_INVALID', problems.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    kind: 'usage',
    hint: seeDocs,
    details: { problems },
  });
}
