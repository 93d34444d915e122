import { z } from 'zod';
import { routes, type Route } from './contract.ts';
import { opsBase, opsRoutes } from './ops-center/contract.ts';

const problem = {
  type: 'object',
  description: 'RFC 9457, with a code and a hint',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    hint: { type: ['string', 'null'] },
    errors: {
      type: 'array',
      description: 'Which fields or settings are wrong, where it is about some',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
    guards: {
      type: 'array',
      description: 'What stands in the way of a restore that was refused; a code that `allow` takes lifts it',
      items: {
        type: 'object',
        properties: {
          code: { type: 'string' },
          result: { const: 'block' },
          detail: { type: 'string' },
          override: { type: ['string', 'null'] },
        },
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'detail', 'hint'],
};

/** The contract as an OpenAPI 3.1 document. */
export function openApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [base, set] of Object.entries({ '/api/v1': routes, [opsBase]: opsRoutes })) {
    for (const [name, route] of Object.entries(set) as [string, Route][]) {
      const path = (paths[base + route.path] ??= {});
      path[route.method.toLowerCase()] = operation(name, route);
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version },
    components: {
      schemas: { Problem: problem },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'holdfast_session' },
      },
    },
    security: [{ token: [] }, { session: [] }],
    paths,
  };
}

function operation(name: string, route: Route): Record<string, unknown> {
  const { action, params, query, body, upload, response } = route;
  const right =
    action === null ? '' : action === 'signed-in' ? ' Needs a session or a token.' : ` Needs the right to ${action}.`;
  return {
    operationId: name,
    summary: route.summary,
    ...(right === '' ? {} : { description: right.trim() }),
    ...(action === null ? { security: [] } : {}),
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(body ? { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input') } } } } : {}),
    ...(upload ? { requestBody: { required: true, content: { 'application/octet-stream': {} } } } : {}),
    responses: {
      [route.status ?? 200]: {
        description: route.status === 202 ? 'It has begun; the run tells how it goes.' : 'Done.',
        ...(response === 'nothing' || response === 'stream'
          ? {}
          : { content: { 'application/json': { schema: schemaOf(response, 'output') } } }),
      },
      default: {
        description: 'What went wrong, and what to do',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function parameters(where: 'path' | 'query', schema: z.ZodObject | undefined): Record<string, unknown>[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _version, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
}
