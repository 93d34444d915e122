import type { App, AppContext, AppKind } from './app.ts';
import type { TreeSettings } from './files/options.ts';
import { appSchema as nocobaseSchema, type NocobaseSettings } from './nocobase/options.ts';
import type { NocodbSettings } from './nocodb/options.ts';

export type AppSettings = NocodbSettings | NocobaseSettings;

/**
 * What a source protects beside its database, in the order it is saved. A new application is a folder and a line here. Each is loaded
 * when a source has it: most commands of most people need none.
 */
export async function createApps(
  { files, app }: { files: readonly TreeSettings[]; app: AppSettings | null },
  context: AppContext,
): Promise<App[]> {
  return [
    ...(files.length > 0 ? [await createTrees(files, context)] : []),
    ...(app ? [await createApp(app, context)] : []),
  ];
}

async function createTrees(files: readonly TreeSettings[], context: AppContext): Promise<App> {
  return (await import('./files/files.ts')).createFiles(files, context);
}

async function createApp(settings: AppSettings, context: AppContext): Promise<App> {
  switch (settings.kind) {
    case 'nocodb':
      throw new Error('not yet');
    case 'nocobase':
      return (await import('./nocobase/nocobase.ts')).createNocobase(settings, context);
  }
}

/** One that is configured nowhere: it reads what lies in a backup. */
export async function blankApp(kind: AppKind, context: AppContext): Promise<App | null> {
  switch (kind) {
    case 'files':
      return createTrees([], context);
    case 'nocobase':
      return createApp(nocobaseSchema.parse({ kind, path: '/nowhere' }), context);
    case 'nocodb':
      return null;
  }
}
