import type { FastifyInstance } from 'fastify';
import { judgeHealth } from '../health.ts';
import { assertMayReadMetrics } from '../metrics-access.ts';
import { gatherFacts } from '../metrics/facts.ts';
import { measure } from '../metrics/measure.ts';
import { metricsType, renderMetrics } from '../metrics/render.ts';
import type { ServerOptions } from '../options.ts';

/** However many ask at once, the catalog is read at most so often. */
const freshMs = 1_000;

/** Of this, too, headers say that a proxy asks for somebody else. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

export function registerMetrics(app: FastifyInstance, options: ServerOptions): void {
  const read = rarely(options);
  app.get('/metrics', async ({ headers, socket }, reply) => {
    assertMayReadMetrics(
      {
        authorization: headers.authorization,
        host: headers.host,
        remoteAddress: socket.remoteAddress,
        forwarded: proxyHeaders.some((name) => headers[name] !== undefined),
      },
      options.settings,
    );
    return reply.type(metricsType).send(read());
  });
}

function rarely(options: ServerOptions): () => string {
  const { clock } = options.house;
  const ask = judgeHealth(options);
  let last: { at: number; text: string } | null = null;
  return () => {
    if (last === null || clock.monotonic() - last.at >= freshMs) {
      const text = renderMetrics(measure(gatherFacts(options, ask().ok)));
      last = { at: clock.monotonic(), text };
    }
    return last.text;
  };
}
