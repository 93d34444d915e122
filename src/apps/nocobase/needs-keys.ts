import { formatCount } from '../../base/units.ts';
import type { AppDatabase } from '../app.ts';
import type { AppEnvironment } from './env-file.ts';
import { tableOf, type FoundApp } from './find-app.ts';
import type { Places } from './places.ts';
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
export function describeNeeds(needs: NeedsKeys): string {
  const cipher = cipherIn(needs);
  return [
    ...(cipher === '' ? [] : [`cipher text stays in ${cipher}`]),
    ...(needs.apiKeys > 0 ? [`${formatCount(needs.apiKeys, 'API key')} refused`] : []),
    'everybody has to sign in again',
  ].join('; ');
}

/** What needs the one key that was not found; empty: nothing. */
function cipherIn({ secretVariables, encryptedFields }: NeedsKeys): string {
  const more =
    secretVariables.length > named ? [formatCount(secretVariables.length - named, 'more secret variable')] : [];
  return [
    ...secretVariables.slice(0, named),
    ...more,
    ...(encryptedFields > 0 ? [formatCount(encryptedFields, 'encrypted field')] : []),
  ].join(', ');
}

/** Of the key that secret variables and encrypted fields are read with, where none was found. Pure. */
export function tellMissingKey(
  needs: NeedsKeys,
  {
    encrypted,
    environment: { file },
    places: { aesKey, storage },
  }: { encrypted: boolean; environment: Pick<AppEnvironment, 'file'>; places: Pick<Places, 'aesKey' | 'storage'> },
): string[] {
  const cipher = cipherIn(needs);
  if (aesKey !== null) {
    const loss = cipher === '' ? '' : `, and cipher text stays in ${cipher} wherever it is restored`;
    return [
      `APP_AES_SECRET_KEY_PATH leads to ${aesKey}, where there is no file: this backup has no key${loss}. ${seeTheKey}`,
    ];
  }
  // That a backup without encryption has no keys is told with all of them.
  if (cipher === '' || !encrypted) return [];
  return [
    `no key was found in ${storage} (apps/main/aes_key.dat) or ${file ?? 'a file of settings'}: cipher text stays in ${cipher} wherever this backup is restored. Correct app.storagePath, or keep the key yourself where it is given from outside`,
  ];
}

export const seeTheKey = 'Let Holdfast see that file, or keep the key yourself';
