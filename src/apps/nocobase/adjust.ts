import type { NocobaseFacts } from './facts.ts';
import { tableOf, type Shape } from './find-app.ts';
import { dialectOf } from './sql.ts';

/**
 * Moves everything to the schema the application here uses, as a guard was lifted for. Meant for the restored database while it is not
 * live yet, in one transaction: where something else lives in that schema, the first statement fails and nothing has happened. Pure.
 */
export function schemaMoves(saved: NocobaseFacts, here: Shape | null, allowed: readonly string[]): string[] {
  if (here === null || saved.schema === here.schema || saved.dialect !== 'postgres') return [];
  if (!allowed.includes('app-schema')) return [];
  const engine = { engine: 'postgres' };
  const { quote, literal } = dialectOf(engine);
  const [from, to] = [saved.schema || 'public', here.schema || 'public'];
  const collections = tableOf(engine, { ...saved, schema: here.schema }, 'collections');
  return [
    `drop schema if exists ${quote(to)} restrict`,
    `alter schema ${quote(from)} rename to ${quote(to)}`,
    // Without it a role of its own may find no place for temporary objects and extensions.
    ...(from === 'public' ? ['create schema public'] : []),
    // Collections remember the schema they are in.
    `update ${collections} set options = jsonb_set(options::jsonb, '{schema}', to_jsonb(${literal(to)}::text)) where options->>'schema' = ${literal(from)}`,
  ];
}
