import { quoteLiteral } from './names.ts';

/** A statement that runs PL/pgSQL, and values for it. */
export function block(body: string): string {
  return `DO ${quoteLiteral(body)}`;
}

export function json(value: unknown): string {
  return `${quoteLiteral(JSON.stringify(value))}::pg_catalog.jsonb`;
}
