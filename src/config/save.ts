import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemErrno } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { readDocument } from './document.ts';
import type { Environment } from './environment.ts';
import { judgeWritten } from './judge.ts';
import { formatPath, isBranch, type Path } from './path.ts';
import { configInvalid } from './problems.ts';

/** One setting in the form it is written in a file; undefined removes it. */
export interface SettingChange {
  path: Path;
  value: unknown;
}

export interface SaveOptions {
  file: string;
  /** The state folder; versions of the file are kept in it. */
  state: string;
  env: Environment;
  now: Date;
}

const versionsKept = 10;

/**
 * Changes settings in the file, keeping its comments and order. Nothing is written unless the whole result is valid; the file is
 * replaced in one step, and what it was before is kept among the last ten versions.
 */
export async function saveConfig(changes: readonly SettingChange[], options: SaveOptions): Promise<void> {
  // A link stays a link: what it leads to is replaced.
  const file = await realpath(options.file);
  const before = await readFile(file, 'utf8');
  const after = edit(before, changes, file);
  const { config, problems } = await judgeWritten(readDocument(after), { file: options.file, env: options.env });
  if (problems.length > 0) throw configInvalid(problems, options.file);
  // Allowed by itself, for recovering; but not as the end of a protection that somebody relies on.
  if (config && Object.keys(config.sources).length === 0) {
    throw configInvalid([{ path: ['sources'], line: null, message: 'must name at least one source' }], options.file);
  }
  if (after === before) return;
  await keepVersion(before, options);
  await replace(file, before, after);
}

function edit(text: string, changes: readonly SettingChange[], file: string): string {
  const { document, problems } = readDocument(text);
  if (problems.length > 0) throw configInvalid(problems, file);
  for (const { path, value } of changes) {
    try {
      if (value === undefined) document.deleteIn([...path]);
      // As a node where a further change may go into it; a plain value keeps the comment behind the one before.
      else document.setIn([...path], isBranch(value) ? document.createNode(value) : value);
    } catch (error) {
      throw new HoldfastError(
        'CONFIG_NOT_EDITABLE',
        `${formatPath(path)} cannot be changed by program, since it is written with an alias`,
        {
          cause: error,
          hint: `Change it in ${file} by hand.`,
        },
      );
    }
  }
  return document.toString({ lineWidth: 0 });
}

async function keepVersion(text: string, { state, now, file }: SaveOptions): Promise<void> {
  const folder = join(state, 'config-versions');
  makeFolders(folder, 0o700);
  const stamp = now.toISOString().replaceAll(/[:.]/g, '-');
  // They may hold passwords, as the file itself may.
  await writeFile(join(folder, `${stamp}-${basename(file)}`), text, { mode: 0o600 });
  const versions = (await readdir(folder)).filter((name) => /^\d{4}-\d\d-\d\dT/.test(name)).sort();
  for (const name of versions.slice(0, -versionsKept)) await rm(join(folder, name), { force: true });
}

async function replace(file: string, before: string, after: string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}`);
  const { mode, uid, gid } = await stat(file);
  try {
    await using handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(after);
    await handle.chmod(mode & 0o777);
    const made = await handle.stat();
    if (made.uid !== uid || made.gid !== gid) await handle.chown(uid, gid);
    await handle.sync();
    if ((await readFile(file, 'utf8')) !== before) {
      throw new HoldfastError('CONFIG_CHANGED', `${file} was changed by somebody else meanwhile; nothing was written`, {
        kind: 'busy',
        retryable: true,
        hint: 'Look at it again, then repeat your change.',
      });
    }
    await rename(temporary, file);
    await using folder = await open(dirname(file), 'r');
    await folder.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw readOnly(error, file);
  }
}

function readOnly(error: unknown, file: string): unknown {
  // EBUSY: a single file mounted into a container cannot be replaced.
  if (!['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'].includes(systemErrno(error) ?? '')) return error;
  return new HoldfastError('CONFIG_READ_ONLY', `${file} cannot be replaced here`, {
    kind: 'refused',
    cause: error,
    hint: 'Give the user that runs holdfast the right to write into its folder; in a container, mount the folder instead of the file.',
  });
}
