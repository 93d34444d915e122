import type { AppDatabase } from '../app.ts';
import type { AppTree } from './app-trees.ts';
import type { AppEnvironment } from './env-file.ts';
import type { AppPlugin } from './storages.ts';
import { dialectOf, listOf, recordOf, textOf } from './sql.ts';

/** What the manifest says of a saved application; also what is known of one that came out of a `.nbdata`. */
export interface NocobaseFacts {
  kind: 'nocobase';
  version: string;
  dialect: string;
  underscored: boolean;
  tablePrefix: string;
  /** '': the usual one, or none. */
  schema: string;
  /** Of the database server. */
  serverVersion: string | null;
  plugins: AppPlugin[];
  trees: AppTree[];
  /** `none`: there were no keys to be found. */
  keys: 'saved' | 'left out' | 'none';
  /** Tells whether another one is the same, and nothing else about it; null: there was none. */
  aesKey: string | null;
  /** What needs the keys: counted, never their values. Null: nobody has looked. */
  needsKeys: { secretVariables: number; encryptedFields: number; apiKeys: number } | null;
}

/** Reads what a manifest says; absence means what NocoBase means by it. */
export function readFacts(facts: Record<string, unknown>): NocobaseFacts {
  const needs = recordOf(facts['needsKeys']);
  const schema = textOf(facts['schema']) ?? '';
  return {
    kind: 'nocobase',
    version: textOf(facts['version']) ?? '',
    dialect: textOf(facts['dialect']) ?? '',
    underscored: facts['underscored'] === true,
    tablePrefix: textOf(facts['tablePrefix']) ?? '',
    schema: schema === 'public' ? '' : schema,
    serverVersion: textOf(facts['serverVersion']) ?? textOf(facts['databaseVersion']),
    plugins: listOf(facts['plugins']).map((plugin) => ({
      name: textOf(plugin['name']) ?? '',
      version: textOf(plugin['version']),
      packageName: textOf(plugin['packageName']),
    })),
    trees: listOf(facts['trees']).flatMap(readTree),
    keys: facts['keys'] === 'saved' || facts['keys'] === 'left out' ? facts['keys'] : 'none',
    aesKey: textOf(facts['aesKey']),
    needsKeys:
      facts['needsKeys'] === undefined || facts['needsKeys'] === null
        ? null
        : {
            secretVariables: Number(needs['secretVariables'] ?? 0),
            encryptedFields: Number(needs['encryptedFields'] ?? 0),
            apiKeys: Number(needs['apiKeys'] ?? 0),
          },
  };
}

function readTree(tree: Record<string, unknown>): AppTree[] {
  const name = textOf(tree['name']);
  const of = recordOf(tree['of']);
  if (name === null) return [];
  return [{ name, of: of['plugins'] === true ? { plugins: true } : { documentRoot: textOf(of['documentRoot']) } }];
}

/** What NocoBase calls the engine: MariaDB may run as mysql, Kingbase only its own settings tell from PostgreSQL. */
export function dialectName(database: Pick<AppDatabase, 'engine'>, { values }: Pick<AppEnvironment, 'values'>): string {
  const said = values.get('DB_DIALECT');
  return said !== undefined && dialectOf(database).names.includes(said) ? said : database.engine;
}

/** Whether anything but sessions is lost without the keys; where nobody has looked, it may be. */
export function losesWithoutKeys({ keys, needsKeys }: Pick<NocobaseFacts, 'keys' | 'needsKeys'>): boolean {
  if (keys === 'saved') return false;
  return needsKeys === null ? keys === 'left out' : needsKeys.secretVariables + needsKeys.encryptedFields > 0;
}
