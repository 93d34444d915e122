import type { App, AppContext } from '../app.ts';
import { adoptForeign } from './adopt-foreign.ts';
import { createTrees } from './app-folders.ts';
import { createGuards } from './app-guards.ts';
import { check } from './check.ts';
import { readFacts } from './facts.ts';
import { filesApp, savedFiles } from './inner-files.ts';
import { keysPart, unpackKeys } from './keys-tar.ts';
import type { NocobaseSettings } from './options.ts';
import { save } from './save.ts';

export type { NocobaseSettings } from './options.ts';

/** NocoBase seen from outside: its folder, and its tables beside those of its users. */
export function createNocobase(settings: NocobaseSettings, context: AppContext): App {
  const filesOf = (facts: Record<string, unknown>) =>
    // Where they would go does not matter to somebody who only reads them.
    filesApp(
      readFacts(facts).trees.map((tree) => ({ ...tree, path: settings.path })),
      context,
    );
  return {
    kind: 'nocobase',
    title: `NocoBase in ${settings.path}`,
    check: (signal) => check(settings, signal),
    open: (around, signal) => save(settings, { around, context, signal }),
    adopt: (foreign, around, signal) => adoptForeign(settings, foreign, { ...around, context, signal }),
    readThrough: async (saved, signal) => {
      const { detail } = await filesOf(saved.facts).readThrough(savedFiles(saved), signal);
      if (!saved.parts.some(({ name }) => name === keysPart)) return { detail };
      const keys = await unpackKeys(await saved.open(keysPart, signal));
      return { detail: `${detail}, ${keys.length} keys` };
    },
    rehearse: async (saved, task) => {
      const rehearsal = await filesOf(saved.facts).rehearse(savedFiles(saved), task);
      if (!saved.parts.some(({ name }) => name === keysPart)) return rehearsal;
      const keys = await unpackKeys(await saved.open(keysPart, task.signal));
      return { ...rehearsal, detail: `${rehearsal.detail}, ${keys.length} keys` };
    },
    trees: createTrees(settings, context),
    guards: createGuards(settings),
  };
}
