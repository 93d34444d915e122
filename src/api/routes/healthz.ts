import type { FastifyInstance } from 'fastify';
import { judgeHealth } from '../health.ts';
import type { ServerOptions } from '../options.ts';

/** For container healthchecks and load balancers, without authentication: nothing about sources or storages is told. */
export function registerHealthz(app: FastifyInstance, options: ServerOptions): void {
  const ask = judgeHealth(options);
  app.get('/healthz', async (_request, reply) => {
    const health = ask();
    return reply.code(health.ok ? 200 : 503).send(health);
  });
}
