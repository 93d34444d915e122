import type { App, AppContext, Saved } from '../app.ts';
import { createFiles } from '../files/files.ts';
import { recordOf } from './sql.ts';

/** The application's folders are file trees like any other. */
export function filesApp(trees: readonly { name: string; path: string }[], context: AppContext): App {
  return createFiles(
    // A file that cannot be read is a file that is missing after a restore: no backup rather than that.
    trees.map(({ name, path }) => ({ name, path, exclude: [], optional: false })),
    context,
  );
}

/** What they said of themselves lies in a place of its own among the application's facts. */
export function savedFiles(saved: Saved): Saved {
  return { ...saved, facts: recordOf(saved.facts['files']), open: (name, signal) => saved.open(name, signal) };
}
