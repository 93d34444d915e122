import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { makeFolders } from '../base/folders.ts';
import { findStateFolder } from './state-folder.ts';
import type { Environment } from './environment.ts';

/** The configuration file as it was when the daemon last began with it: the way to tell somebody that it is broken now. */
const schema = z.object({
  file: z.string(),
  text: z.string(),
  /** What was said about it being broken, and when; null while all is well. */
  told: z.object({ what: z.string(), at: z.string() }).nullable(),
});
export type LastGood = z.output<typeof schema>;

const name = 'config-last-good.json';

export async function keepLastGood(state: string, good: LastGood): Promise<void> {
  makeFolders(state, 0o700);
  const path = join(state, name);
  const temporary = `${path}.${process.pid}`;
  try {
    // It may hold passwords, as the file itself may.
    await writeFile(temporary, JSON.stringify(good), { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

export async function readLastGood(state: string): Promise<LastGood | null> {
  try {
    return schema.parse(JSON.parse(await readFile(join(state, name), 'utf8')));
  } catch {
    // Never written, or damaged: then nobody can be told.
    return null;
  }
}

interface Where {
  path: string | undefined;
  env: Environment;
  cwd: string;
}

/** Where a file that is broken, perhaps not even readable as YAML, has its state; the first guess that holds a last good one. */
export async function findLastGood(where: Where): Promise<{ state: string; good: LastGood } | null> {
  const { env, cwd } = where;
  const file = resolve(cwd, where.path ?? env['HOLDFAST_CONFIG'] ?? 'holdfast.yaml');
  const text = await readFile(file, 'utf8').catch(() => '');
  const line = /^state:[ \t]*["']?([^"'#\n]+)/m.exec(text)?.[1]?.trim();
  const said = await findStateFolder(where).catch(() => null);
  const guesses = [said, line === undefined ? null : resolve(dirname(file), line), join(dirname(file), 'state')];
  for (const state of guesses) {
    const good = state === null ? null : await readLastGood(state);
    if (state !== null && good?.file === file) return { state, good };
  }
  return null;
}
