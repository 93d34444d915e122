import { z } from 'zod';
import type { EngineSettings } from '../engine.ts';
import { duration, text } from '../option-types.ts';
import { readDatabaseUrl } from './database-url.ts';

export interface DatabaseSettings {
  engine: 'sqlite';
  path: string;
  /** Null: as long as a dump waits for locks. */
  busyTimeoutMs: number | null;
}

export const databaseSchema = z
  .strictObject({
    engine: z.literal('sqlite'),
    path: text.optional().meta({ description: 'The database file.' }),
    url: z.string().optional().meta({ description: 'Instead of path: sqlite:///absolute/path/of/the/file' }),
    busyTimeout: duration
      .optional()
      .meta({ description: 'How long to wait for a locked file; default dump.lockTimeout.' }),
  })
  .transform((input, context): DatabaseSettings => {
    const { engine, path, url, busyTimeout } = input;
    const problem = (key: string, message: string) => {
      context.issues.push({ code: 'custom', input, path: [key], message });
    };
    const fromUrl = url === undefined ? undefined : readDatabaseUrl(url);
    if (fromUrl === null) problem('url', 'must be an address such as sqlite:///absolute/path/of/the/file');
    else if (path === undefined && fromUrl === undefined) problem('path', 'is missing: the database file');
    else if (path !== undefined && fromUrl !== undefined && path !== fromUrl)
      problem('path', 'says something else than url; give it once');
    return { engine, path: path ?? fromUrl ?? '', busyTimeoutMs: busyTimeout ?? null };
  });

export type SqliteSettings = EngineSettings<DatabaseSettings>;
