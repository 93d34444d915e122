import type { AppDatabase } from '../app.ts';
import { refuseHalfSwapped } from '../files/place/half-swap.ts';
import { treesOf, type PlacedTree } from './app-trees.ts';
import { tellElsewhere } from './elsewhere.ts';
import type { AppEnvironment } from './env-file.ts';
import { exists } from './exchange.ts';
import { dialectName, type NocobaseFacts } from './facts.ts';
import { findFileTables, type FileTable } from './file-records.ts';
import { findApp, type FoundApp } from './find-app.ts';
import { fingerprintOfAesKey, namesOfKeys, readKeyFiles, type KeyFile } from './key-files.ts';
import { describeNeeds, readNeeds, tellMissingKey } from './needs-keys.ts';
import type { NocobaseSettings } from './options.ts';
import { refuseHalfPlaced } from './place-keys.ts';
import type { Places } from './places.ts';
import { readPlugins, readStorages, type AppStorage } from './storages.ts';

/** Everything there is to know of an application before it is saved. */
export interface Look {
  app: FoundApp;
  storages: AppStorage[];
  fileTables: FileTable[];
  trees: PlacedTree[];
  keys: KeyFile[];
  warnings: string[];
  facts: NocobaseFacts;
}

export async function lookAt(
  database: AppDatabase,
  { settings, environment, places }: { settings: NocobaseSettings; environment: AppEnvironment; places: Places },
  { encrypted, signal }: { encrypted: boolean; signal: AbortSignal },
): Promise<Look> {
  const app = await findApp(database, settings, environment, signal);
  const storages = await readStorages(database, app, signal);
  const plugins = await readPlugins(database, app, signal);
  const needs = await readNeeds(database, app, signal);
  const { trees: wanted, warnings: wide } = treesOf(storages, places);
  // A storage nobody has used yet has no folder; where records say otherwise, their files are told to be missing.
  const trees: PlacedTree[] = [];
  for (const tree of wanted) {
    if (await exists(tree.path)) trees.push(tree);
    else await refuseHalfSwapped(tree);
  }
  await refuseHalfPlaced(places);
  const keys = await readKeyFiles(places, environment);
  const names = namesOfKeys(keys, environment);
  const aesKey = fingerprintOfAesKey(keys, environment, places.aesKey);
  return {
    app,
    storages,
    fileTables: await findFileTables(database, app, signal),
    trees,
    keys,
    warnings: [
      ...app.contradictions,
      ...wide,
      ...(await tellElsewhere(database, app, { storages, signal })),
      ...(encrypted
        ? []
        : [
            `this backup is not encrypted and has no keys (${names.join(', ') || 'none found'}): without them, ${describeNeeds(needs)}`,
          ]),
      ...(aesKey === null ? tellMissingKey(needs, { encrypted, environment, places }) : []),
      ...(environment.values.has('APP_KEY')
        ? []
        : ['APP_KEY is not in a file of settings here: keep it yourself, sessions and API keys depend on it']),
    ],
    facts: {
      kind: 'nocobase',
      version: app.version,
      dialect: dialectName(database, environment),
      underscored: app.underscored,
      tablePrefix: app.tablePrefix,
      schema: app.schema,
      serverVersion: database.serverVersion,
      plugins,
      trees: trees.map(({ name, of }) => ({ name, of })),
      keys: keys.length === 0 ? 'none' : encrypted ? 'saved' : 'left out',
      aesKey,
      needsKeys: {
        secretVariables: needs.secretVariables.length,
        encryptedFields: needs.encryptedFields,
        apiKeys: needs.apiKeys,
      },
    },
  };
}
