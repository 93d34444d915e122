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

/** What nobody will be able to read or use again without the keys; '' when that is nothing but sessions. Pure. */
export function describeNeeds({ secretVariables, encryptedFields, apiKeys }: NeedsKeys): string {
  const more = secretVariables.length > named ? ` and ${secretVariables.length - named} more` : '';
  return [
    ...(secretVariables.length > 0
      ? [`the secret variables ${secretVariables.slice(0, named).join(', ')}${more} stay cipher text`]
      : []),
    ...(encryptedFields > 0 ? [`${encryptedFields} encrypted fields stay cipher text`] : []),
    ...(apiKeys > 0 ? [`${apiKeys} API keys are refused`] : []),
    'everybody has to sign in again',
  ].join(', ');
}
