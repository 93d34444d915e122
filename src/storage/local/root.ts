import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { chmod, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { systemErrno } from '../../base/errors.ts';
import { stageLost } from '../stage-lost.ts';
import { localError, noFolderIn, notAFolder, outsideRoot } from './local-error.ts';

export const folderMode = 0o700;
export const fileMode = 0o600;

/** The folder a local storage lies in. Nothing is read or written through a symbolic link below it. */
export class Root {
  readonly path: string;
  #real: string | undefined;
  /** Folders found to be real ones, so that a thousand files in one are not a thousand questions. */
  readonly #known = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /** The place of a key that was checked. */
  at(key: string): string {
    return join(this.path, key);
  }

  /** The place of a key to be read; null when not even its folder exists. */
  async find(key: string): Promise<string | null> {
    const path = this.at(key);
    return (await this.#isReal(dirname(path))) ? path : null;
  }

  /** Size and time of a file, asked without a detour through the thread pool, which takes ten times as long. */
  facts(key: string): Stats | null {
    const path = this.at(key);
    try {
      const folder = dirname(path);
      if (!this.#known.has(folder))
        this.#assertReal(folder, realpathSync.native(folder), realpathSync.native(this.path));
      const facts = lstatSync(path, { throwIfNoEntry: false });
      return facts?.isFile() ? facts : null;
    } catch (error) {
      if (systemErrno(error) === 'ENOENT') return null;
      throw localError(error, path);
    }
  }

  /** The place of a folder; null when it does not exist. */
  async findFolder(prefix: string): Promise<string | null> {
    const path = join(this.path, prefix, '.');
    return (await this.#isReal(path)) ? path : null;
  }

  /**
   * Creates a folder and what is missing above it, private; `below` a stage, which must be there. Existing ones are left as they are: they are the operator's. One by one,
   * because Node's recursive `mkdir` never ends where the system answers ENOENT although the parent is there (`/proc`).
   */
  async makeFolder(path: string, below: string | null = null): Promise<{ created: boolean }> {
    if (await this.#exists(path)) return { created: false };
    if (path === below) throw stageLost(path, this.path);
    if (dirname(path) !== path) await this.makeFolder(dirname(path), below);
    try {
      await mkdir(path, { mode: folderMode });
      // A default ACL can widen the mode, and a strange umask narrow it.
      await chmod(path, folderMode);
    } catch (error) {
      // Another writer was quicker; that it is a folder shows when something is put into it.
      const errno = systemErrno(error);
      // The parent is there, and still: file systems of the kernel (`/proc`) answer so where nobody can create anything.
      if (errno === 'ENOENT') throw noFolderIn(dirname(path), error);
      if (errno !== 'EEXIST') throw await this.#explain(error, path);
    }
    return { created: true };
  }

  /** What was true of folders need not be once some are gone. */
  forget(): void {
    this.#known.clear();
  }

  /** What lies in a folder, without links and hidden names; nothing when it does not exist. */
  async names(path: string): Promise<{ folders: string[]; files: string[] }> {
    try {
      if (!(await this.#isReal(path))) return { folders: [], files: [] };
      const visible = (await readdir(path, { withFileTypes: true })).filter((entry) => !entry.name.startsWith('.'));
      return {
        folders: visible.filter((entry) => entry.isDirectory()).map((entry) => entry.name),
        files: visible.filter((entry) => entry.isFile()).map((entry) => entry.name),
      };
    } catch (error) {
      if (systemErrno(error) === 'ENOENT') return { folders: [], files: [] };
      throw await this.#explain(error, path);
    }
  }

  async #exists(path: string): Promise<boolean> {
    // Above the root, links are the operator's.
    if (path.length > this.path.length) return this.#isReal(path);
    try {
      return (await stat(path)).isDirectory();
    } catch (error) {
      if (systemErrno(error) === 'ENOENT') return false;
      throw await this.#explain(error, path);
    }
  }

  async #isReal(folder: string): Promise<boolean> {
    if (this.#known.has(folder)) return true;
    try {
      this.#real ??= await realpath(this.path);
      this.#assertReal(folder, await realpath(folder), this.#real);
      return true;
    } catch (error) {
      if (systemErrno(error) === 'ENOENT') return false;
      throw await this.#explain(error, folder);
    }
  }

  #assertReal(folder: string, realFolder: string, realRoot: string): void {
    if (realFolder !== join(realRoot, relative(this.path, folder))) throw outsideRoot(folder);
    this.#known.add(folder);
  }

  /** `ENOTDIR` and `EEXIST` name a path somewhere below when it is the root itself that is a file. */
  async #explain(error: unknown, path: string): Promise<Error> {
    const errno = systemErrno(error);
    if (errno !== 'ENOTDIR' && errno !== 'EEXIST') return localError(error, path);
    const facts = await stat(this.path).catch(() => null);
    return notAFolder(facts?.isDirectory() ? path : this.path, error);
  }
}
