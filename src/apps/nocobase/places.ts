import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { AppEnvironment } from './env-file.ts';
import type { NocobaseSettings } from './options.ts';

/** Where an application keeps its files, by the rules of NocoBase itself. */
export interface Places {
  app: string;
  storage: string;
  plugins: string;
  /** The file that `APP_AES_SECRET_KEY_PATH` names; null where it names none. */
  aesKey: string | null;
  /** Where one that runs listens. */
  socket: string;
  /** The folder of a local storage; null: one that does not name any. */
  rootOf(documentRoot: string | null): string;
}

/** Where the images of NocoBase have the application; from outside the same folder has another name. */
const insideImage = '/app/nocobase';

export function placesOf(settings: NocobaseSettings, { values }: AppEnvironment): Places {
  const { path: app } = settings;
  const storage = settings.storagePath ?? located(values.get('STORAGE_PATH') ?? 'storage', app, join(app, 'storage'));
  const rootOf = (documentRoot: string | null): string => {
    if (documentRoot === null || documentRoot === '') {
      const everywhere = values.get('LOCAL_STORAGE_DEST');
      return everywhere === undefined ? join(storage, 'uploads') : rootOf(everywhere);
    }
    if (isAbsolute(documentRoot)) return located(documentRoot, app, storage);
    const slashes = documentRoot.replaceAll('\\', '/');
    // `storage/...` means below the storage folder, wherever that is; anything else below the application's.
    const below = /^(?:\.\/)?storage(?:\/+(.*))?$/.exec(slashes);
    return below ? join(storage, below[1] ?? '') : resolve(app, documentRoot);
  };
  const plugins = values.get('PLUGIN_STORAGE_PATH');
  const aesKey = values.get('APP_AES_SECRET_KEY_PATH');
  const socket = values.get('SOCKET_PATH');
  return {
    app,
    storage,
    plugins: plugins === undefined ? join(storage, 'plugins') : located(plugins, app, storage),
    aesKey: aesKey === undefined ? null : located(aesKey, app, storage),
    socket: socket === undefined ? join(storage, 'gateway.sock') : located(socket, app, storage),
    rootOf,
  };
}

/** Its storage folder may lie elsewhere here than in the application's, which is where the settings have it. */
function located(written: string, app: string, storage: string): string {
  const path = resolve(app, written);
  if (existsSync(path)) return path;
  for (const folder of [join(app, 'storage'), join(insideImage, 'storage')])
    if (isWithin(folder, path)) return join(storage, relative(folder, path));
  return isWithin(insideImage, path) ? join(app, relative(insideImage, path)) : path;
}

/** Also true for the folder itself. */
export function isWithin(folder: string, path: string): boolean {
  const from = relative(folder, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}
