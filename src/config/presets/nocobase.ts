import { dirname, isAbsolute, join } from 'node:path';
import { nocobaseDatabase } from './nocobase-database.ts';
import { nocobaseVariables as variables } from './nocobase-variables.ts';
import type { Draft, Preset } from './preset.ts';

export const nocobase: Preset = {
  name: 'nocobase',
  title: 'NocoBase',
  variables,
  differences: [
    `NocoBase keeps the settings of its backups in its own database, not in variables. For a schedule give \`HOLDFAST_SCHEDULE\`, for the number of
backups \`HOLDFAST_KEEP_LAST\` (100 without it, as there), for a password \`HOLDFAST_PASSPHRASE\`, for a storage elsewhere \`HOLDFAST_S3_BUCKET\`.
As there, nothing is scheduled until you say so.`,
    `PostgreSQL, MySQL, MariaDB and SQLite are saved; KingBase is refused with an error.`,
    `Every local storage comes along, not only \`storage/uploads\`, and so do uploaded plugins and the keys. The keys are saved only when backups are
encrypted (\`HOLDFAST_PASSPHRASE\`), and only those that lie in files: what is given to NocoBase as a variable is named in a warning.`,
    `The folder of the application is the one \`HOLDFAST_ENV_FILE\` lies in when that is its \`.env\`, or the one above \`STORAGE_PATH\`, or the
working directory; \`HOLDFAST_APP_PATH\` names another one.`,
    `A password encrypts with authentication and a key of each backup's own; it is never stored in the database that it protects.`,
  ],
  detect: (has) =>
    has('DB_DIALECT') &&
    (has('DB_DATABASE') || has('DB_STORAGE')) &&
    ['APP_KEY', 'APP_AES_SECRET_KEY', 'APP_AES_SECRET_KEY_PATH', 'DB_UNDERSCORED', 'DB_TABLE_PREFIX'].some(has),
  arrange: (draft) => {
    if (draft.said('APP_NAME')) draft.copy('APP_NAME');
    const places = placesOf(draft);
    const engine = nocobaseDatabase(draft, (path) => within(places, path));
    draft.own('retention.last', 100);
    draft.set(['storages', 'local', 'path'], join(places.storage, 'backups'), 'STORAGE_PATH');
    arrangeApplication(draft, places, engine);
    arrangeUploads(draft, places);
    tellKeys(draft, places);
  },
};

interface Places {
  app: string;
  /** Absolute, or below the working directory. */
  storage: string;
  /** The application's own settings, where they were read from. */
  envFile: string | null;
}

function placesOf(draft: Draft): Places {
  const envFile = ['APP_KEY', 'DB_DIALECT'].map((name) => draft.fileOf(name)).find((file) => file !== null) ?? null;
  const written = (draft.text('STORAGE_PATH') ?? 'storage').replace(/(?<=.)\/+$/, '');
  const home = envFile !== null && /(^|\/)\.env$/.test(envFile) ? dirname(envFile) : null;
  // Where the storage folder is called as in the application's own folder, it is most likely there.
  const app = home ?? (isAbsolute(written) && written.endsWith('/storage') ? dirname(written) : '.');
  return { app, storage: isAbsolute(written) ? written : join(app, written), envFile };
}

/** As NocoBase reads paths: `storage/...` is below its storage folder, wherever that is. */
function within({ app, storage }: Places, path: string): string {
  if (isAbsolute(path)) return path;
  const below = /^(?:\.\/)?storage(?:\/+(.*))?$/.exec(path);
  return below ? join(storage, below[1] ?? '') : join(app, path);
}

function arrangeApplication(draft: Draft, { app, storage, envFile }: Places, engine: string): void {
  draft.own('app.kind', 'nocobase');
  draft.own('app.path', app, 'STORAGE_PATH');
  if (draft.said('STORAGE_PATH')) draft.own('app.storagePath', storage, 'STORAGE_PATH');
  if (envFile !== null) draft.own('app.envFile', envFile);
  if (engine === 'postgres' && draft.said('DB_SCHEMA')) draft.copy('DB_SCHEMA');
  draft.copy('DB_TABLE_PREFIX');
  const underscored = draft.said('DB_UNDERSCORED');
  if (underscored) draft.own('app.underscored', underscored.text === 'true', 'DB_UNDERSCORED');
}

/** The application finds its storages by itself, except for what only its process is told. */
function arrangeUploads(draft: Draft, places: Places): void {
  const said = draft.said('LOCAL_STORAGE_DEST');
  if (!said || draft.fileOf('LOCAL_STORAGE_DEST') !== null) return;
  const path = within(places, said.text);
  if (path === join(places.storage, 'uploads')) return;
  draft.own('files', [{ name: 'uploads', path, optional: true }], 'LOCAL_STORAGE_DEST');
}

function tellKeys(draft: Draft, places: Places): void {
  const where = `the .env of the application in ${places.app === '.' ? 'this folder' : places.app}`;
  for (const name of ['APP_KEY', 'APP_AES_SECRET_KEY', 'APP_AES_SECRET_KEY_PATH']) {
    const said = draft.said(name);
    if (!said || draft.fileOf(name) !== null) continue;
    const known =
      name === 'APP_AES_SECRET_KEY_PATH' && within(places, said.text).startsWith(join(places.storage, 'apps/'));
    const lost = name === 'APP_AES_SECRET_KEY_PATH' ? 'the file that it names' : 'it';
    if (known) continue;
    draft.warn(
      `${name} is given as a variable, and no backup has ${lost} unless it also stands in ${where}: keep it apart`,
    );
  }
}
