import type { TableName } from '../engines/engine.ts';
import { wrongUsage } from './usage-error.ts';

/** `orders` (in the usual schema: `public`, or none), `app.orders`, and quoted as in SQL where a name has a dot: `"my.schema"."my table"`. */
export function parseTableName(text: string, usual = 'public'): TableName {
  const parts = splitName(text);
  const [first, second] = parts ?? [];
  if (first !== undefined && parts?.length === 1) return { schema: usual, name: first };
  if (first !== undefined && second !== undefined && parts?.length === 2) return { schema: first, name: second };
  throw wrongUsage(
    `--table ${text} is not the name of a table`,
    'Write it as schema.table; quote parts that contain a dot: "my.schema".orders.',
  );
}

function splitName(text: string): string[] | null {
  const parts: string[] = [];
  let rest = text;
  while (true) {
    const match = /^(?:"((?:[^"]|"")+)"|([^".]+))(\.|$)/.exec(rest);
    if (!match) return null;
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return parts;
    rest = rest.slice(match[0].length);
  }
}
