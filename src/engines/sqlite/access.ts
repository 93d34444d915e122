import { access as mayAccess, constants, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { HoldfastError, systemErrno } from '../../base/errors.ts';
import { makeScratchFolder } from '../../base/scratch.ts';
import type { EngineContext } from '../engine.ts';
import { notSqlite } from './errors.ts';
import type { SqliteSettings } from './options.ts';
import type { OpenMode } from './process/connection.ts';
import { startSession, type Session } from './session.ts';

/** One database file as this engine reaches it. */
export interface Access {
  /** As given, and absolute. */
  readonly path: string;
  readonly name: string;
  readonly settings: SqliteSettings;
  readonly context: EngineContext;
  /** Where the file really is, whatever links lead there; it need not exist. */
  locate(): Promise<string>;
  /** Opens it in a process of its own. */
  open(mode: OpenMode, signal: AbortSignal): Promise<Session>;
  /** A private folder, removed when disposed. */
  folder(): Promise<{ path: string } & AsyncDisposable>;
  /** A file beside this one, or one with its whole path. */
  named(name: string): Access;
  at(path: string): Access;
}

export function createAccess(settings: SqliteSettings, context: EngineContext): Access {
  const path = resolve(settings.database.path);
  return accessTo({ path, locate: () => follow(path) }, settings, context);
}

export function busyMs({ settings }: Access): number {
  return settings.database.busyTimeoutMs ?? settings.dump.lockTimeoutMs;
}

function accessTo(
  { path, locate }: Pick<Access, 'path' | 'locate'>,
  settings: SqliteSettings,
  context: EngineContext,
): Access {
  const at = (other: string) => accessTo({ path: other, locate: () => follow(other) }, settings, context);
  const access: Access = {
    path,
    name: basename(path),
    settings,
    context,
    locate,
    open: async (mode, signal) => openSession(access, mode, signal),
    folder: async () => {
      const folder = await makeScratchFolder(context.scratch, 'sqlite-');
      return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
    },
    // Beside the file itself, not beside a link to it: only there can one be renamed into the other.
    named: (name) =>
      isAbsolute(name)
        ? at(resolve(name))
        : accessTo(
            {
              path: join(dirname(path), plainName(name)),
              locate: async () => follow(join(dirname(await locate()), name)),
            },
            settings,
            context,
          ),
    at,
  };
  return access;
}

async function follow(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrno(error) !== 'ENOENT') throw error;
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return join(folder, basename(path));
  }
}

/** SQLite takes a file of such a name for a part of the database beside it. */
const besideAnother = /-(?:wal|shm|journal)$/i;

function plainName(name: string): string {
  const plain = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
  if (plain && !besideAnother.test(name)) return name;
  throw new HoldfastError('NAME_INVALID', `${JSON.stringify(name)} is not the name of a file beside the database`, {
    kind: 'usage',
    hint: 'Give a name without a folder, or the whole path.',
  });
}

async function openSession(access: Access, mode: OpenMode, signal: AbortSignal): Promise<Session> {
  const path = await access.locate();
  await expectFile(path);
  const session = startSession(path);
  try {
    await session.ask('open', { path, mode, busyMs: busyMs(access) }, signal);
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/** What can be told without opening it: SQLite would say of all of these that it is unable to open the file. */
async function expectFile(path: string): Promise<void> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw notSqlite(path, 'it is a folder');
    if (!found.isFile()) throw notSqlite(path, 'it is not an ordinary file');
    await mayAccess(path, constants.R_OK);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const errno = systemErrno(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') {
      throw new HoldfastError('DATABASE_MISSING', `there is no database file ${path}`, {
        cause: error,
        hint: 'Check database.path; a relative path begins at the folder of the configuration.',
      });
    }
    throw new HoldfastError('DATABASE_NO_PRIVILEGE', `the database file ${path} may not be read`, {
      cause: error,
      hint: 'Give the user that runs holdfast the right to read and write the file and its folder.',
    });
  }
}
