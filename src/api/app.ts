import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { fromOf, trustIn } from './asker.ts';
import { awaitBody } from './awaited-bodies.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { isKnownHost } from './known-host.ts';
import { problemType, toProblem, badRequest, seeDocs } from './problem.ts';
import { registerHealthz } from './routes/healthz.ts';
import { registerMetrics } from './routes/metrics.ts';
import { securityHeaders } from './security-headers.ts';
import type { ServerOptions } from './options.ts';
import { knownMethods } from './known-methods.ts';

/** Bytes; uploads say so at their own route. */
const bodyLimit = 64 * 1024;
const bodyTimeoutMs = 30_000;

/** Everything that is answered; `front.ts` listens. */
export function createApp(options: ServerOptions): FastifyInstance {
  const { settings, logger } = options;
  const app = Fastify({
    logger: false,
    bodyLimit,
    // Nobody else may say on whose behalf they ask.
    trustProxy: trustIn(settings.trustedProxies),
    frameworkErrors: (error, _request, reply) => sendProblem(reply, error),
    routerOptions: { maxParamLength: 500 },
  });

  const methods = knownMethods(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    if (!isKnownHost(request.headers.host, settings)) throw hostUnknown();
    if (hasUnreadBody(request)) {
      reply.header('connection', 'close');
      throw badRequest('a request that only reads has no body');
    }
  });
  app.addHook('onRequest', async (request) => {
    const { raw } = request;
    if (raw.complete || request.routeOptions.config.upload) return;
    awaitBody(raw);
    const late = setTimeout(() => {
      if (!raw.complete) answerBrokenRequest(Object.assign(new Error('slow'), { code: 'REQUEST_TIMEOUT' }), raw.socket);
    }, bodyTimeoutMs);
    late.unref();
    raw.once('close', () => clearTimeout(late));
    raw.once('end', () => clearTimeout(late));
  });
  app.addHook('onResponse', async (request, reply) => logAnswer(logger, request, reply));
  app.setErrorHandler((error, _request, reply) => {
    const status = sendProblem(reply, error);
    // Whoever has hung up misses nothing, and nobody else has to be told.
    const level = toHoldfastError(error).kind === 'interrupted' ? 'debug' : 'error';
    if (status >= 500) logger.log(level, `a request failed: ${messageOf(error)}`, { status });
  });
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.at(pathOf(request));
    if (allowed.length === 0 && options.console?.answer(request, reply)) return;
    if (allowed.length > 0) reply.header('allow', allowed.join(', '));
    sendProblem(reply, allowed.length > 0 ? methodNotAllowed(allowed) : routeUnknown());
  });

  registerHealthz(app, options);
  if (settings.metrics) registerMetrics(app, options);
  options.api?.(app);
  return app;
}

function sendProblem(reply: FastifyReply, error: unknown): number {
  const problem = toProblem(error);
  if (problem.code === 'TOKEN_WRONG') reply.header('www-authenticate', 'Bearer realm="holdfast"');
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  // As text: a broken request may have come before there was a serializer.
  void reply.code(problem.status).headers(securityHeaders).type(problemType).send(JSON.stringify(problem));
  return problem.status;
}

/** Without the query: what stands there may be secret. */
function logAnswer(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const path = pathOf(request).slice(0, 200);
  logger.log('debug', `${request.method} ${path} answered ${reply.statusCode}`, {
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
    from: fromOf(request),
  });
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? url;
}

/** Nobody reads it, so the connection cannot be used again. */
function hasUnreadBody({ method, headers }: FastifyRequest): boolean {
  const reads = method === 'GET' || method === 'HEAD';
  return reads && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);
}

function hostUnknown(): HoldfastError {
  return new HoldfastError('HOST_UNKNOWN', 'this server does not go by that name', {
    kind: 'usage',
    hint: 'Use localhost or a number, or set `server.publicUrl` to the address people use.',
  });
}

function routeUnknown(): HoldfastError {
  return new HoldfastError('ROUTE_UNKNOWN', 'there is nothing at this address', { kind: 'usage', hint: seeDocs });
}

function methodNotAllowed(allowed: readonly string[]): HoldfastError {
  return new HoldfastError('METHOD_NOT_ALLOWED', 'this address does not know that method', {
    kind: 'usage',
    hint: `It knows ${allowed.join(', ')}.`,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
