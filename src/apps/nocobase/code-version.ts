import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordOf, textOf } from './sql.ts';
import type { Places } from './places.ts';
import type { AppPlugin } from './storages.ts';

/**
 * The version of the programs in an application's folder. What its API and its database say is the version they were last upgraded to,
 * which after a restore is the backup's. Null: the programs lie elsewhere, in an image.
 */
export async function readCodeVersion({ app }: Pick<Places, 'app'>): Promise<string | null> {
  for (const name of ['server', 'app']) {
    const text = await readFile(join(app, 'node_modules/@nocobase', name, 'package.json'), 'utf8').catch(() => null);
    const version = text === null ? null : textOf(recordOf(text)['version']);
    if (version !== null) return version;
  }
  return null;
}

/** Plugins whose programs are neither installed nor among the uploaded ones. Null: nothing here tells. */
export async function missingPlugins(
  plugins: readonly AppPlugin[],
  { app, plugins: folder }: Pick<Places, 'app' | 'plugins'>,
): Promise<string[] | null> {
  if ((await readCodeVersion({ app })) === null) return null;
  const missing: string[] = [];
  for (const { name, packageName } of plugins) {
    if (packageName === null || /(^|\/)\.\.?(\/|$)/.test(packageName)) continue;
    const places = [join(app, 'node_modules', packageName), join(folder, packageName)];
    const there = await Promise.all(
      places.map((place) =>
        readFile(join(place, 'package.json')).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (!there.includes(true)) missing.push(name);
  }
  return missing;
}
