import { chmod, chown, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, systemErrno } from '../../base/errors.ts';
import type { DatabaseFacts, Leftover } from '../engine.ts';
import type { Access } from './access.ts';
import { markEnding, readMark, removeMark, writeMark } from './mark.ts';

/** The mark first: what has none is never taken for ours. */
export async function create(access: Access, note: string, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const path = await access.locate();
  if (await exists(path)) throw existsAlready(path);
  await refuseRest(path);
  await writeMark(path, { note, createdAt: access.context.clock.now().toISOString() }).catch(inOurWords(path));
  await writeFile(path, '', { mode: 0o600, flag: 'wx' }).catch(async (error: unknown) => {
    await removeMark(path);
    inOurWords(path)(error);
  });
}

/** What a database that is gone has left would be taken for a part of the new one. */
async function refuseRest(path: string): Promise<void> {
  for (const ending of ['-wal', '-journal']) {
    const { size } = await stat(path + ending).catch(() => ({ size: 0 }));
    if (size === 0) continue;
    throw new HoldfastError(
      'DATABASE_EXISTS',
      `there is no ${path}, but ${path + ending}, which would be taken for a part of it`,
      {
        hint: 'It was left by another database of that name: move it away, or choose another name.',
      },
    );
  }
}

/** Rights as the original had, and its owner where this user may give files away; from here on nothing says that it is ours. */
export async function dress(access: Access, like: DatabaseFacts, signal: AbortSignal): Promise<string[]> {
  throwIfAborted(signal);
  const path = await access.locate();
  const { mode, uid, gid } = like.properties;
  if (process.getuid?.() === 0 && typeof uid === 'number' && typeof gid === 'number') await chown(path, uid, gid);
  if (typeof mode === 'number') await chmod(path, mode & 0o777);
  await removeMark(path);
  return [];
}

/** With everything SQLite keeps beside it. Only what carries our mark, unless told otherwise. */
export async function drop(access: Access, options: { unmarked: boolean }, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const path = await access.locate();
  const unmarked = (await exists(path)) && (await readMark(path)) === null;
  if (!options.unmarked && unmarked) {
    throw new HoldfastError('DATABASE_NOT_OURS', `the file ${path} does not carry the mark of a scratch database`, {
      kind: 'refused',
      hint: 'It was not made by holdfast, or is in use since. Remove it by hand if nobody needs it.',
    });
  }
  // The mark comes first and goes last: whatever is interrupted here can be told and finished later. A full disk has room for none.
  if (unmarked) {
    const mark = { note: 'it was to be dropped', createdAt: access.context.clock.now().toISOString() };
    await writeMark(path, mark).catch(() => undefined);
  }
  for (const ending of ['', '-wal', '-shm', '-journal', markEnding]) {
    await rm(path + ending, { force: true }).catch(inOurWords(path));
  }
}

export async function leftovers(access: Access, signal: AbortSignal): Promise<Leftover[]> {
  throwIfAborted(signal);
  const folder = dirname(await access.locate());
  const names = new Set(await readdir(folder).catch(() => []));
  const found: Leftover[] = [];
  for (const name of [...names].toSorted()) {
    if (name.endsWith(markEnding)) {
      const database = name.slice(0, -markEnding.length);
      const mark = await readMark(`${folder}/${database}`);
      if (mark) found.push({ database, ...mark });
    } else if (ownName.test(name) && !names.has(name + markEnding)) {
      found.push({ database: name, note: 'proven, but killed before its swap', createdAt: null });
    }
  }
  return found;
}

/** Between losing its mark (`dress`) and the rename, only its name tells whose a file is. */
const ownName = /_(?:restoring|drill|import)_\d{8}_\d{6}_[0-9a-f]{6}$/;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (systemErrno(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

function inOurWords(path: string): (error: unknown) => never {
  return (error) => {
    const errno = systemErrno(error);
    if (errno === 'EEXIST') throw existsAlready(path);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') {
      throw new HoldfastError('DATABASE_UNREACHABLE', `there is no folder for ${path}`, {
        cause: error,
        hint: 'Make the folder first, or choose another one.',
      });
    }
    if (errno === 'EROFS') {
      throw new HoldfastError('DATABASE_READ_ONLY', `nothing can be written in the folder of ${path}`, {
        cause: error,
        hint: 'Mount its disk for writing: a restore needs place beside the database.',
      });
    }
    throw error;
  };
}

function existsAlready(path: string): HoldfastError {
  return new HoldfastError('DATABASE_EXISTS', `the file ${path} exists already`, {
    hint: 'Choose another name, or remove it when nobody needs it.',
  });
}
