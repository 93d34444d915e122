import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { StagedTree, SwappedTree } from '../app.ts';
import { parseEnv, type AppEnvironment } from './env-file.ts';
import { exchangeAll, exists, removePrevious, takeBack, type Exchange, type Exchanged } from './exchange.ts';
import { elsewhereName, settingsName } from './key-files.ts';
import type { SavedKey } from './keys-tar.ts';
import { isWithin, type Places } from './places.ts';

/** Keys lying beside the place where they belong; disposing removes those that did not become live. */
export interface PlacedKeys extends AsyncDisposable {
  readonly trees: StagedTree[];
  readonly warnings: string[];
  swap(): Promise<SwappedTree[]>;
  back(): Promise<void>;
  forget(): Promise<void>;
}

export const keysTree = 'keys';
export const settingsTree = 'settings';
const stagePrefix = '.holdfast-keys-';

/** Only to look at, in a folder of their own: nothing becomes live. */
export async function placeKeysBelow(keys: readonly SavedKey[], folder: string): Promise<PlacedKeys> {
  const target = join(folder, keysTree);
  let kept = false;
  await layDown(keys, target);
  return {
    trees: [treeOf(keysTree, { target, replaces: false, keys })],
    warnings: [],
    swap: async () => {
      kept = true;
      return [{ name: keysTree, target, previous: null }];
    },
    back: async () => {
      kept = false;
    },
    forget: async () => undefined,
    [Symbol.asyncDispose]: async () => {
      if (!kept) await rm(target, { recursive: true, force: true });
    },
  };
}

/**
 * The folder of keys is exchanged as a whole, so that no key and no waiting job of another database stays. The file of settings is
 * never touched: the one of the backup goes beside it where the two differ in something that matters.
 */
export async function placeKeys(
  saved: readonly SavedKey[],
  { places, environment, mark }: { places: Places; environment: AppEnvironment; mark: string },
): Promise<PlacedKeys> {
  await using cleanup = new AsyncDisposableStack();
  const exchanges: Exchange[] = [];
  const trees: StagedTree[] = [];
  const warnings: string[] = [];
  const staged = new Set<string>();
  const stage = async (name: string, keys: readonly SavedKey[], target: string) => {
    await mkdir(dirname(target), { recursive: true });
    for (const left of (await readdir(dirname(target))).filter((each) => each.startsWith(stagePrefix))) {
      if (!staged.has(join(dirname(target), left)))
        warnings.push(`${join(dirname(target), left)} has keys in it that an earlier restore left`);
    }
    const folder = await mkdtemp(join(dirname(target), stagePrefix));
    staged.add(folder);
    cleanup.defer(() => rm(folder, { recursive: true, force: true }));
    await layDown(keys, folder);
    exchanges.push({ name, from: join(folder, basename(target)), target });
    trees.push(treeOf(name, { target, replaces: await exists(target), keys }));
  };

  const apps = inTheirPlaces(saved, places);
  if (apps.length > 0) {
    await stage(keysTree, apps, join(places.storage, 'apps'));
    exchanges.push({ name: keysTree, from: null, target: join(places.storage, 'environment-variables') });
  }
  const separate = saved.find(({ name }) => name === elsewhereName);
  if (places.aesKey !== null && separate && !isAmongApps(places)) {
    await stage(keysTree, [{ ...separate, name: basename(places.aesKey) }], places.aesKey);
  }
  const settings = saved.find(({ name }) => name === settingsName);
  const differing = settings ? differences(settings, environment) : [];
  warnings.push(...differing);
  if (settings && differing.length > 0) {
    await stage(settingsTree, [{ ...settings, name: '.env.restored' }], join(places.app, '.env.restored'));
  }

  let done: Exchanged[] = [];
  const kept = cleanup.move();
  return {
    trees,
    warnings,
    swap: async () => {
      done = await exchangeAll(exchanges, mark);
      return done.filter(({ placed, previous }) => placed || previous !== null);
    },
    back: async () => {
      await takeBack(done);
      done = [];
    },
    forget: () => removePrevious(done),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/**
 * Where NocoBase of today looks first. A key that lay in the place of earlier versions, or anywhere a setting said, would be passed
 * over for one that the application here has made for itself.
 */
function inTheirPlaces(saved: readonly SavedKey[], places: Places): SavedKey[] {
  const names = new Set(saved.map(({ name }) => name));
  return saved.flatMap((key): SavedKey[] => {
    const { name } = key;
    if (name.startsWith('apps/')) return [key];
    const usual = name === elsewhereName ? 'apps/main/aes_key.dat' : name.replace(/^environment-variables\//, 'apps/');
    // Where the settings here name a file among the others, it is laid down with them.
    const named = name === elsewhereName && isAmongApps(places) ? [relative(places.storage, places.aesKey ?? '')] : [];
    const wanted = [...new Set([usual, ...named])].filter((each) => each !== name && !names.has(each));
    return wanted.map((each) => ({ ...key, name: each }));
  });
}

function isAmongApps({ storage, aesKey }: Places): boolean {
  return aesKey !== null && isWithin(join(storage, 'apps'), aesKey);
}

const important = [
  'APP_KEY',
  'APP_AES_SECRET_KEY',
  'TZ',
  'DB_TIMEZONE',
  'APP_PUBLIC_PATH',
  'API_BASE_PATH',
  'UNSAFE_USE_DEFAULT_JWT_SECRET',
];

/** Names only: the values are secrets. */
function differences(settings: SavedKey, { file, values }: AppEnvironment): string[] {
  const before = parseEnv(settings.content.toString('utf8'));
  const differing = important.filter((name) => before.get(name) !== values.get(name));
  if (differing.length === 0) return [];
  const means = differing.includes('APP_KEY')
    ? '; with another APP_KEY, sessions and API keys of the backup are refused'
    : '';
  return [
    `${differing.join(', ')} ${differing.length === 1 ? 'is' : 'are'} not as in the backup${file === null ? ', or given from outside' : ''}${means}: compare ${file ?? 'the settings'} with .env.restored`,
  ];
}

async function layDown(keys: readonly SavedKey[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { name, content, uid, gid } of keys) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, content, { flag: 'wx', mode: 0o600 });
    if (process.getuid?.() !== 0) continue;
    await chown(path, uid, gid);
    // Folders belong to whom their files belong: NocoBase must be able to write more into them.
    for (let at = dirname(path); at !== folder; at = dirname(at)) await chown(at, uid, gid);
  }
}

function treeOf(
  name: string,
  { target, replaces, keys }: { target: string; replaces: boolean; keys: readonly SavedKey[] },
): StagedTree {
  const bytes = keys.reduce((sum, { content }) => sum + content.length, 0);
  return { name, target, replaces, files: keys.length, bytes };
}
