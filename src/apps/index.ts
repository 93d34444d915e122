import type { App, AppContext, AppKind } from './app.ts';
import type { TreeSettings } from './files/options.ts';
import { appSchema as nocobaseSchema, type NocobaseSettings } from './nocobase/options.ts';
import { appSchema as nocodbSchema, type NocodbSettings } from './nocodb/options.ts';

export type AppSettings = NocodbSettings | NocobaseSettings;

/**
 * What a source protects beside its database, in the order it is saved. A new application is a folder and a line here. Each is loaded
 * when a source has it: most commands of most people need none.
 */
export async function createApps(
  { files, app }: { files: readonly TreeSettings[]; app: AppSettings | null },
  context: AppContext,
): Promise<App[]> {
  const trees = [...files, ...dataFolderOf(app)];
  return [
    ...(trees.length > 0 ? [await createTrees(trees, context)] : []),
    ...(app ? [await createApp(app, context)] : []),
  ];
}

/** NocoDB's own files lie in a folder like any other. */
function dataFolderOf(app: AppSettings | null): TreeSettings[] {
  if (app?.kind !== 'nocodb' || app.dataPath === null) return [];
  return [{ name: 'nocodb-data', path: app.dataPath, exclude: [], optional: false }];
}

async function createTrees(files: readonly TreeSettings[], context: AppContext): Promise<App> {
  return (await import('./files/files.ts')).createFiles(files, context);
}

async function createApp(settings: AppSettings, context: AppContext): Promise<App> {
  switch (settings.kind) {
    case 'nocodb':
      return (await import('./nocodb/nocodb.ts')).createNocodb(settings, context);
    case 'nocobase':
      return (await import('./nocobase/nocobase.ts')).createNocobase(settings, context);
  }
}

/** One that is configured nowhere: it reads what lies in a backup. */
export async function blankApp(kind: AppKind, context: AppContext): Promise<App> {
  switch (kind) {
    case 'files':
      return createTrees([], context);
    case 'nocobase':
      return createApp(nocobaseSchema.parse({ kind, path: '/nowhere' }), context);
    case 'nocodb':
      return createApp(nocodbSchema.parse({ kind, url: 'http://nowhere', token: 'none' }), context);
  }
}
