import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../base/clock.ts';
import { systemErrno, toHoldfastError } from '../../base/errors.ts';
import type { Catalog } from '../catalog.ts';
import { catalogFile, openCatalog } from './sqlite-catalog.ts';

export interface StandIn extends Disposable {
  readonly catalog: Catalog;
  readonly folder: string;
  /** Whether it knows of a run that is known nowhere else; then it stays when it is closed. */
  isNeeded(): boolean;
}

/** The disk is full or cannot be written any more: of the state nothing else is wrong. */
export function isUnwritable(error: unknown): boolean {
  return toHoldfastError(error).code === 'DISK_FULL' || systemErrno(error) === 'EROFS';
}

/** Throws where nothing can be written; that another process writes for a while is no reason. */
export function assertWritable(catalog: Catalog): void {
  try {
    catalog.briefly(() => catalog.probe());
  } catch (error) {
    if (isUnwritable(error)) throw error;
  }
}

/**
 * The catalog of a state folder that cannot be written, as it is now, in a folder of its own. It knows who holds which lock, and as long as that
 * disk is full nobody can take another one there.
 */
export function openStandIn(state: string, clock: Clock): StandIn {
  const folder = copyState(state);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const catalog = openCatalog(folder, clock);
    const newest = () => catalog.runs.list({ limit: 1 })[0]?.id;
    const before = newest();
    const isNeeded = () => newest() !== before;
    return {
      catalog,
      folder,
      isNeeded,
      [Symbol.dispose]: () => {
        const stays = isNeeded();
        catalog[Symbol.dispose]();
        if (!stays) remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Where there is room: a machine with one disk has some in memory. */
const places = [tmpdir(), '/dev/shm'];

/** The folder with the copy. */
export function copyState(state: string): string {
  const path = join(state, catalogFile);
  let reason: unknown;
  for (const place of places) {
    let folder: string | null = null;
    try {
      folder = mkdtempSync(join(place, 'holdfast-state-'));
      if (existsSync(path)) copyCatalog(path, join(folder, catalogFile));
      return folder;
    } catch (error) {
      reason ??= error;
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    }
  }
  throw reason;
}

/** Whoever has it open may be writing, so SQLite reads it. It could not where nobody has: then nothing changes, and the files are as good. */
function copyCatalog(path: string, to: string): void {
  const content = contentOf(path);
  if (content !== null) return writeFileSync(to, content, { mode: 0o600 });
  for (const ending of ['', '-wal']) if (existsSync(path + ending)) copyFileSync(path + ending, to + ending);
}

function contentOf(path: string): Uint8Array | null {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    return database.serialize();
  } catch {
    return null;
  }
}
