import { access, constants, stat } from 'node:fs/promises';
import type { AppCheck } from '../app.ts';
import { readCodeVersion } from './code-version.ts';
import { readEnvironment, type AppEnvironment } from './env-file.ts';
import { isFile } from './key-files.ts';
import { seeTheKey } from './needs-keys.ts';
import type { NocobaseSettings } from './options.ts';
import { placesOf, type Places } from './places.ts';
import { isRunning } from './running.ts';

export async function check(settings: NocobaseSettings, signal: AbortSignal): Promise<AppCheck[]> {
  const folder = await folderCheck('folder', settings.path, 'Set app.path to the folder that holds .env and storage.');
  if (folder.result === 'failed') return [folder];
  const environment = await readEnvironment(settings);
  const places = placesOf(settings, environment);
  const storage = await folderCheck(
    'storage',
    places.storage,
    'Set app.storagePath to the storage folder of NocoBase.',
  );
  const version = await readCodeVersion(places);
  const running = await isRunning(settings, { places, environment }, signal);
  return [
    folder,
    environment.file === null
      ? {
          name: 'settings',
          result: 'warning',
          detail: `no .env in ${settings.path}`,
          hint: 'Its settings are given from outside, then: keep APP_KEY and the other secrets yourself, a backup cannot have them.',
        }
      : { name: 'settings', result: 'ok', detail: environment.file },
    storage,
    ...(await keyCheck(places, environment)),
    { name: 'version', result: 'ok', detail: version ?? 'the programs lie elsewhere: compared with the database only' },
    { name: 'state', result: 'ok', detail: running.detail },
  ];
}

/** Where the settings name the key: NocoBase would use no other. */
async function keyCheck({ aesKey }: Places, { values }: AppEnvironment): Promise<AppCheck[]> {
  if (aesKey === null || values.has('APP_AES_SECRET_KEY') || (await isFile(aesKey))) return [];
  const detail = `APP_AES_SECRET_KEY_PATH leads to ${aesKey}, where there is no file`;
  return [{ name: 'key', result: 'warning', detail, hint: `${seeTheKey}.` }];
}

async function folderCheck(name: string, path: string, hint: string): Promise<AppCheck> {
  try {
    if (!(await stat(path)).isDirectory()) return { name, result: 'failed', detail: `${path} is no folder`, hint };
    await access(path, constants.R_OK | constants.X_OK);
    return { name, result: 'ok', detail: path };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, result: 'failed', detail: `${path} cannot be read: ${why}`, hint };
  }
}
