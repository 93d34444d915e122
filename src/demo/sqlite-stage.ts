import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { throwIfAborted } from '../base/abort.ts';
import { step } from '../base/progress.ts';
import type { Session } from './session.ts';
import { lot, sqliteShop } from './sqlite-shop.ts';
import type { PlannedStage } from './stage.ts';

/** Needs nothing but what the program is made of. */
export function sqliteStage(note: string): PlannedStage {
  return {
    engine: 'sqlite',
    chapter: 'A throw-away SQLite file with a shop in it',
    note,
    prepare: async ({ folder, report }) => {
      const path = join(folder, 'shop', 'shop.sqlite');
      await step(
        report,
        'file',
        () => mkdir(join(folder, 'shop'), { mode: 0o700 }),
        () => path,
      );
      return {
        shop: sqliteShop,
        config: '{ engine: sqlite, path: ./shop/shop.sqlite }',
        open: async (later) => openFile(path, later),
        // It lies in the folder of the tour, and goes or stays with it.
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}

/** What the shop's own programs would use. It takes no time that anybody would want to cancel, but between two statements. */
function openFile(path: string, signal: AbortSignal): Session {
  throwIfAborted(signal);
  const db = new DatabaseSync(path);
  db.function('lot', { deterministic: true }, lot);
  const between = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(signal);
  };
  return {
    run: async (sql) => {
      await between();
      db.exec(sql);
    },
    value: async (sql) => {
      await between();
      const row = db.prepare(sql).get();
      const value = row === undefined ? null : Object.values(row)[0];
      return value === null || value === undefined ? null : String(value);
    },
    [Symbol.asyncDispose]: async () => db.close(),
  };
}
