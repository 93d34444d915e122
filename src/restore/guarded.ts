import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { family, type Source } from '../care/source.ts';
import type { Database } from '../engines/engine.ts';

/** What a restore into another database must never reach, whoever asks for it. */
export interface Guarded {
  /** Their databases are live. */
  sources: readonly Pick<Source, 'name' | 'database'>[];
  /** The program's own: its state, its backups. */
  folders: readonly string[];
}

/** `--into` is for beside: naming a live database there would skip everything that protects it. */
export async function refuseGuarded(
  request: { source: Pick<Source, 'name'>; guarded: Guarded; onlyNew: boolean },
  named: Database,
  /** What the database that was reached under that name is called, or null where there is none. */
  reached: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { source, guarded, onlyNew } = request;
  const exists = reached !== null;
  // PostgreSQL cuts names off, and poolers have others of their own.
  const target = exists && !named.capabilities.file && reached !== named.name ? named.named(reached) : named;
  const wanted = await target.identity(signal);
  if (target.capabilities.file) await refuseOwnFolders(wanted, guarded.folders);
  for (const { name, database } of guarded.sources) {
    if (!database || family(database.engine) !== family(target.engine)) continue;
    // Its own, where it is gone, is made anew under its name.
    if (name === source.name && !exists) continue;
    if (await isSame(database, target, wanted, onlyNew, signal)) throw targetIsLive(target, name);
  }
}

async function isSame(
  live: Database,
  target: Database,
  wanted: string,
  whenUnknown: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if (live.title === target.title) return true;
  if (!live.capabilities.file && live.name.toLowerCase() !== target.name.toLowerCase()) return false;
  try {
    return (await live.identity(signal)) === wanted;
  } catch {
    throwIfAborted(signal);
    // One that does not answer is hardly where the target just did; only whom less is entrusted to has to choose another name.
    return whenUnknown;
  }
}

/** A server takes the database that is called as the role, which is often the live one. */
export function refuseUnnamed(into: string | null): void {
  if (into !== '') return;
  throw new HoldfastError('VALUE_INVALID', 'the name of the database to restore into is empty', {
    kind: 'usage',
    hint: 'Name one; in a script, see that the variable is set.',
  });
}

async function refuseOwnFolders(path: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const way = relative(await realpath(folder).catch(() => resolve(folder)), path);
    if (way === '..' || way.startsWith('../') || isAbsolute(way)) continue;
    throw new HoldfastError('TARGET_IS_OURS', `${path} lies in a folder that holdfast keeps for itself`, {
      kind: 'refused',
      hint: 'Choose a place outside of the state folder and of the storages.',
    });
  }
}

function targetIsLive({ name }: Database, source: string): HoldfastError {
  return new HoldfastError('TARGET_IS_LIVE', `${name} is the live database of ${source}`, {
    kind: 'refused',
    hint: `Restore backups of ${source} without \`--into\` to replace it safely, or name another database.`,
  });
}
