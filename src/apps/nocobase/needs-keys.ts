import { formatCount } from '../../base/units.ts';
import type { AppDatabase } from '../app.ts';
import { tableOf, type FoundApp } from './find-app.ts';
import { dialectOf, textOf } from './sql.ts';

/** What of the database can only be used with keys that lie outside of it. */
export interface NeedsKeys {
  /** Their names; the values are cipher text. */
  secretVariables: string[];
  encryptedFields: number;
  apiKeys: number;
}

export async function readNeeds(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<NeedsKeys> {
  const { quote } = dialectOf(database);
  const rowsOf = async (table: string, columns: string) =>
    app.has(table) ? database.select(`select ${columns} from ${tableOf(database, app, table)}`, signal) : [];
  const variables = await rowsOf('environmentVariables', `${quote('name')}, ${quote('type')}`);
  const fields = await rowsOf('fields', `${quote('type')}, ${quote('interface')}`);
  const [keys] = await rowsOf('apiKeys', 'count(*) as n');
  return {
    secretVariables: variables
      .filter((row) => row['type'] === 'secret')
      .map((row) => textOf(row['name']) ?? '')
      .toSorted(),
    encryptedFields: fields.filter((row) => row['type'] === 'encryption' || row['interface'] === 'encryption').length,
    apiKeys: Number(textOf(keys?.['n']) ?? 0),
  };
}

const named = 10;

/** What nobody will be able to read or use again without the keys. Pure. */
export function describeNeeds({ secretVariables, encryptedFields, apiKeys }: NeedsKeys): string {
  const more =
    secretVariables.length > named ? [formatCount(secretVariables.length - named, 'more secret variable')] : [];
  const cipher = [
    ...secretVariables.slice(0, named),
    ...more,
    ...(encryptedFields > 0 ? [formatCount(encryptedFields, 'encrypted field')] : []),
  ];
  return [
    ...(cipher.length > 0 ? [`cipher text stays in ${cipher.join(', ')}`] : []),
    ...(apiKeys > 0 ? [`${formatCount(apiKeys, 'API key')} refused`] : []),
    'everybody has to sign in again',
  ].join('; ');
}
