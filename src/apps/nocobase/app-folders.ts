import { join } from 'node:path';
import type { AppContext, AppTask, Saved, StagedTrees, Trees, WantedTrees } from '../app.ts';
import { refuseMountAt } from '../files/mounts.ts';
import { undoSwap } from '../files/place/undo.ts';
import { placeOf } from './app-trees.ts';
import { readEnvironment, type AppEnvironment } from './env-file.ts';
import { exists } from './exchange.ts';
import { readFacts } from './facts.ts';
import { filesApp, savedFiles } from './inner-files.ts';
import { keysPart, unpackKeys } from './keys-tar.ts';
import type { NocobaseSettings } from './options.ts';
import { keysTree, placeKeys, placeKeysBelow } from './place-keys.ts';
import { placesOf, type Places } from './places.ts';

interface Staging {
  wanted: WantedTrees;
  task: AppTask;
  context: AppContext;
}

/** The folders by the rules of the application that is here now: its storage folder may lie elsewhere than the saved one's did. */
export function createTrees(settings: NocobaseSettings, context: AppContext): Trees {
  return {
    plan: async (saved, wanted, signal) => {
      const { files, onlyFiles, wantsKeys } = await aim(settings, saved, { wanted, context });
      const planned = files ? await files.plan(savedFiles(saved), { ...wanted, only: onlyFiles }, signal) : [];
      if (!wantsKeys) return planned;
      const part = saved.parts.find(({ name }) => name === keysPart);
      const { places } = await hereOf(settings);
      const target = wanted.to === null ? join(places.storage, 'apps') : join(wanted.to, keysTree);
      const replaces = wanted.to === null && (await exists(target));
      if (replaces) await refuseMountAt(target);
      return [...planned, { name: keysTree, target, replaces, files: 1, bytes: part?.rawBytes ?? part?.bytes ?? 0 }];
    },
    stage: (saved, wanted, task) => stage(settings, saved, { wanted, task, context }),
    // Keys and settings as well: all was put aside by renaming. What came where nothing was, such as `.env.restored`, stays.
    undo: (swapped, signal) =>
      undoSwap(
        swapped.filter(({ previous }) => previous !== null),
        context.clock.now(),
        signal,
      ),
  };
}

async function stage(
  settings: NocobaseSettings,
  saved: Saved,
  { wanted, task, context }: Staging,
): Promise<StagedTrees> {
  const { files, onlyFiles, wantsKeys } = await aim(settings, saved, { wanted, context });
  await using cleanup = new AsyncDisposableStack();
  const staged = files && cleanup.use(await files.stage(savedFiles(saved), { ...wanted, only: onlyFiles }, task));
  const keys = wantsKeys ? await unpackKeys(await saved.open(keysPart, task.signal)) : [];
  const placed =
    keys.length === 0
      ? null
      : cleanup.use(
          wanted.to === null
            ? await placeKeys(keys, {
                ...(await hereOf(settings)),
                aesKey: readFacts(saved.facts).aesKey,
                mark: markOf(context),
              })
            : await placeKeysBelow(keys, wanted.to),
        );
  const kept = cleanup.move();
  return {
    trees: [...(staged?.trees ?? []), ...(placed?.trees ?? [])],
    warnings: [...(staged?.warnings ?? []), ...(placed?.warnings ?? [])],
    watch: async () => staged?.watch(),
    swap: async (signal) => {
      const swapped = (await staged?.swap(signal)) ?? [];
      try {
        return [...swapped, ...((await placed?.swap()) ?? [])];
      } catch (error) {
        await staged?.back();
        throw error;
      }
    },
    back: async () => {
      await placed?.back();
      return (await staged?.back()) ?? [];
    },
    forget: async (signal) => {
      const stayed = (await staged?.forget(signal)) ?? [];
      await placed?.forget();
      return stayed;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface Aim {
  /** Null: none of them is wanted, or none was saved. */
  files: Trees | null;
  onlyFiles: readonly string[] | null;
  wantsKeys: boolean;
}

/** Names that are not ours belong to the other folders of the source. */
async function aim(
  settings: NocobaseSettings,
  saved: Saved,
  { wanted: { only }, context }: { wanted: WantedTrees; context: AppContext },
): Promise<Aim> {
  const { places } = await hereOf(settings);
  const placed = readFacts(saved.facts).trees.map((tree) => ({ ...tree, path: placeOf(tree, places) }));
  const onlyFiles = only === null ? null : only.filter((name) => placed.some((tree) => tree.name === name));
  const { trees } = filesApp(placed, context);
  const some = placed.length > 0 && onlyFiles?.length !== 0;
  const hasKeys = saved.parts.some(({ name }) => name === keysPart);
  return { files: some && trees ? trees : null, onlyFiles, wantsKeys: hasKeys && (only?.includes(keysTree) ?? true) };
}

async function hereOf(settings: NocobaseSettings): Promise<{ places: Places; environment: AppEnvironment }> {
  const environment = await readEnvironment(settings);
  return { places: placesOf(settings, environment), environment };
}

/** As other folders are called that a restore has put aside. */
function markOf({ clock }: AppContext): string {
  return `before-${clock.now().toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-')}`;
}
