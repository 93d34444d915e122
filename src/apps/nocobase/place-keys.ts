import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { StagedTree, SwappedTree } from '../app.ts';
import { refuseMountAt } from '../files/mounts.ts';
import { parseEnv, type AppEnvironment } from './env-file.ts';
import { exchangeAll, exists, removePrevious, takeBack, type Exchange, type Exchanged } from './exchange.ts';
import { elsewhereName, fingerprint, settingsName } from './key-files.ts';
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
const settingsTree = 'settings';
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

/** What a restore that was killed between its renames left is saved by nobody: NocoBase would make itself a new key, and this one be lost. */
export async function refuseHalfPlaced({ storage, aesKey }: Pick<Places, 'storage' | 'aesKey'>): Promise<void> {
  for (const target of [join(storage, 'apps'), ...(aesKey === null ? [] : [aesKey])]) {
    if (await exists(target)) continue;
    const beside = await readdir(dirname(target)).catch(() => []);
    const laid = beside.find((name) => name.startsWith(stagePrefix));
    const previous = beside.filter((name) => name.startsWith(`${basename(target)}.before-`)).toSorted();
    const last = previous.at(-1);
    if (laid === undefined || last === undefined) continue;
    const [from, rest] = [join(dirname(target), last), join(dirname(target), laid)];
    throw new HoldfastError(
      'FILES_HALF_SWAPPED',
      `a restore into ${target} (${keysTree}) was cut off in the middle: what lived there is in ${from}`,
      { kind: 'refused', hint: `To go back: mv '${from}' '${target}'. Then remove ${rest}.` },
    );
  }
}

export interface Placing {
  places: Places;
  environment: AppEnvironment;
  /** Which of the saved keys was used, by its fingerprint; null: nobody knows. */
  aesKey: string | null;
  mark: string;
}

/**
 * The folder of keys is exchanged as a whole, so that no key and no waiting job of another database stays. The file of settings is
 * never touched: the one of the backup goes beside it where the two differ in something that matters.
 */
export async function placeKeys(
  saved: readonly SavedKey[],
  { places, environment, aesKey, mark }: Placing,
): Promise<PlacedKeys> {
  await using cleanup = new AsyncDisposableStack();
  const exchanges: Exchange[] = [];
  const trees: StagedTree[] = [];
  const warnings: string[] = [];
  const staged = new Set<string>();
  const stage = async (name: string, keys: readonly SavedKey[], target: string) => {
    await refuseMountAt(target);
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

  const used = usedKey(saved, aesKey);
  const apps = inTheirPlaces(saved, used, places);
  if (apps.length > 0) {
    await stage(keysTree, apps, join(places.storage, 'apps'));
    const earlier = join(places.storage, 'environment-variables');
    // Unless the settings here still name a key in it, which is exchanged by itself.
    if (places.aesKey === null || !isWithin(earlier, places.aesKey))
      exchanges.push({ name: keysTree, from: null, target: earlier });
  }
  if (places.aesKey !== null && used && !isAmongApps(places) && !(await holds(places.aesKey, used))) {
    await stage(keysTree, [{ ...used, name: basename(places.aesKey) }], places.aesKey);
  }
  const settings = saved.find(({ name }) => name === settingsName);
  const differing = settings ? differences(settings, environment) : [];
  warnings.push(...differing, ...(differing.join().includes(given) ? [] : otherKeyGiven(environment, aesKey)));
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

/** The one that the data was encrypted with. Older backups tell it only where a setting named it. */
function usedKey(saved: readonly SavedKey[], aesKey: string | null): SavedKey | null {
  const isUsed = ({ name, content }: SavedKey) =>
    aesKey === null ? name === elsewhereName : name !== settingsName && fingerprint(content) === aesKey;
  return saved.find(isUsed) ?? null;
}

/**
 * Where NocoBase of today looks first. A key that lay in the place of earlier versions, or anywhere a setting said, would be passed
 * over for one that the application here has made for itself, or for one that was there before that setting was.
 */
function inTheirPlaces(saved: readonly SavedKey[], used: SavedKey | null, places: Places): SavedKey[] {
  const names = new Set(saved.map(({ name }) => name));
  const apps = saved.flatMap((key): SavedKey[] => {
    const { name } = key;
    if (name.startsWith('apps/')) return [key];
    const place = name === elsewhereName ? usualPlace : name.replace(/^environment-variables\//, 'apps/');
    return place === name || names.has(place) ? [] : [{ ...key, name: place }];
  });
  // Where the settings here name a file elsewhere, it is laid down by itself.
  if (used === null || (places.aesKey !== null && !isAmongApps(places))) return apps;
  const name = places.aesKey === null ? usualPlace : relative(places.storage, places.aesKey);
  return [...apps.filter((key) => key.name !== name), { ...used, name }];
}

const usualPlace = 'apps/main/aes_key.dat';

/** A folder of secrets may be read only: nothing is exchanged for the same. */
async function holds(path: string, { content }: SavedKey): Promise<boolean> {
  return readFile(path).then(
    (there) => there.equals(content),
    () => false,
  );
}

function isAmongApps({ storage, aesKey }: Places): boolean {
  return aesKey !== null && isWithin(join(storage, 'apps'), aesKey);
}

const given = 'APP_AES_SECRET_KEY';
const important = [
  'APP_KEY',
  given,
  'TZ',
  'DB_TIMEZONE',
  'APP_PUBLIC_PATH',
  'API_BASE_PATH',
  'UNSAFE_USE_DEFAULT_JWT_SECRET',
];

/** NocoBase looks at no file where its settings hold a key. */
function otherKeyGiven({ file, values }: AppEnvironment, aesKey: string | null): string[] {
  const here = values.get(given);
  if (here === undefined || aesKey === null || fingerprint(Buffer.from(here, 'hex')) === aesKey) return [];
  return [
    `${given} in ${file ?? 'the settings'} is another key than that of the backup, and NocoBase looks at no file beside it: secret variables and encrypted fields stay cipher text until it is taken out there`,
  ];
}

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
