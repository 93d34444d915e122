import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { completeSettings } from './complete.ts';
import { readDocument } from './document.ts';
import type { Environment } from './environment.ts';
import { valueAt } from './path.ts';

/**
 * Where the state lies, without reading the rest: a healthcheck asks every few seconds and must neither take long nor fail
 * because something else in the file is wrong. What needs more than a look (references, variables alone) is read in full.
 */
export async function findStateFolder(where: {
  path: string | undefined;
  env: Environment;
  cwd: string;
}): Promise<string> {
  const { env, cwd } = where;
  if (env['HOLDFAST_STATE']) return resolve(cwd, env['HOLDFAST_STATE']);
  const plain = env['HOLDFAST_STATE_FILE'] || env['HOLDFAST_ENV_FILE'] ? null : await readPlainly(where);
  if (plain !== null) return plain;
  const { loadConfig } = await import('./load.ts');
  return (await loadConfig(where)).config.state;
}

/** As the file says it, or its default; null where there is no file or it does not say it in so many words. */
async function readPlainly({ path, env, cwd }: Parameters<typeof findStateFolder>[0]): Promise<string | null> {
  const named = path ?? env['HOLDFAST_CONFIG'];
  const files = named ? [named] : ['holdfast.yaml', '/etc/holdfast/holdfast.yaml'];
  for (const file of files.map((each) => resolve(cwd, each))) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null) continue;
    const { tree, problems } = readDocument(text);
    const state = valueAt(completeSettings(tree, dirname(file)), ['state']);
    return problems.length > 0 || typeof state !== 'string' || state.includes('$') ? null : join(state);
  }
  return null;
}
