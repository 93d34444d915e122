import { posix } from 'node:path';
import type { SFTPWrapper, Stats } from 'ssh2';
import { HoldfastError } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { stageLost } from '../stage-lost.ts';
import type { Connection, Request, Session } from './connection.ts';
import { full, isFailure, isMissing, isUnsupported, notAFolder, sftpError } from './errors.ts';

export const folderMode = 0o700;
export const fileMode = 0o600;
const atOnce = 16;
const cleanUpMs = 10_000;
/** Less than this left is what makes a server refuse without saying why. */
const fullBytes = 1024 * 1024;

export interface Entry {
  name: string;
  isFile: boolean;
  isFolder: boolean;
  bytes: number;
  modifiedAt: Date;
}

/** The folder on the server that the storage lies in, and what can be done in it. Paths are the server's. */
export class Root {
  readonly path: string;
  readonly title: string;
  readonly #connection: Connection;
  /** Folders seen or made, so that a thousand files in one are not a thousand questions. */
  readonly #known = new Set<string>();
  /** Where stages of this storage are being written. */
  readonly writing = new Set<string>();

  constructor(connection: Connection, path: string, title: string) {
    this.#connection = connection;
    this.path = posix.normalize(path).replace(/(?<=.)\/$/, '');
    this.title = title;
  }

  at(key: string): string {
    return posix.join(this.path, key);
  }

  ask<T = void>(signal: AbortSignal, send: Request<T>, late?: (sftp: SFTPWrapper, result: T) => void): Promise<T> {
    return this.#connection.ask(signal, send, late);
  }

  session(signal: AbortSignal): Promise<Session> {
    return this.#connection.session(signal);
  }

  /** What is undone after a failure or a signal: with a little time of its own, and the failure is what counts. */
  async cleanUp(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const signal = AbortSignal.timeout(cleanUpMs);
    const again = (error: unknown) => {
      // That the connection is gone may show only now; the next one is a new one.
      if (error instanceof HoldfastError && error.code === 'STORAGE_UNREACHABLE') return work(signal);
      return undefined;
    };
    await work(signal)
      .catch(again)
      .catch(() => undefined);
  }

  /** Of the name itself: a link is neither a file nor a folder. */
  async facts(path: string, signal: AbortSignal): Promise<Entry | null> {
    try {
      const stats = await this.ask<Stats>(signal, (sftp, done) => sftp.lstat(path, done));
      return entry(posix.basename(path), stats, '');
    } catch (error) {
      if (isMissing(error)) return null;
      if (isFailure(error) && path !== this.path && !(await this.#isNamedAbove(path, signal))) return null;
      throw await this.explain(error, path);
    }
  }

  /** Below a file there is nothing, and some servers call that a failure; so they do an error of their disk, about what is there. */
  async #isNamedAbove(path: string, signal: AbortSignal): Promise<boolean> {
    const beside = await this.entries(posix.dirname(path), signal);
    return beside?.some(({ name }) => name === posix.basename(path)) ?? false;
  }

  /** What lies in a folder, hidden names included; null when it does not exist. */
  async entries(path: string, signal: AbortSignal): Promise<Entry[] | null> {
    try {
      const found = await this.ask<{ filename: string; longname: string; attrs: Stats }[]>(signal, (sftp, done) =>
        sftp.readdir(path, done),
      );
      return found.map(({ filename, longname, attrs }) => entry(filename, attrs, longname));
    } catch (error) {
      if (isMissing(error)) return null;
      if (isFailure(error) && path !== this.path && !(await this.facts(path, signal))?.isFolder) return null;
      throw await this.explain(error, path);
    }
  }

  /**
   * Creates a folder and what is missing above it, private; `below` a stage, which must be there. Existing ones are left as they are:
   * they are the operator's.
   */
  async makeFolder(path: string, signal: AbortSignal, below: string | null = null): Promise<void> {
    if (this.#known.has(path) || path === '.' || path === '/') return;
    if (!(await this.#isFolder(path, signal))) {
      if (path === below) throw stageLost(path, this.title);
      await this.makeFolder(posix.dirname(path), signal, below);
      await this.ask(signal, (sftp, done) => sftp.mkdir(path, { mode: folderMode }, done)).catch(
        async (error: unknown) => {
          // Another writer was quicker.
          if (!(await this.#isFolder(path, signal))) throw await this.explain(error, path);
        },
      );
    }
    this.#known.add(path);
  }

  /** What was true of folders need not be once some are gone. */
  forget(): void {
    this.#known.clear();
  }

  forgetWhenMissing(error: unknown): boolean {
    if (!isMissing(error)) return false;
    this.forget();
    return true;
  }

  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.ask(signal, (sftp, done) => sftp.unlink(path, done)).catch(async (error: unknown) => {
      if (isMissing(error) || (isFailure(error) && (await this.facts(path, signal)) === null)) return;
      throw await this.explain(error, path);
    });
  }

  /** Whether it is gone; a folder that is not empty stays. */
  async removeEmptyFolder(path: string, signal: AbortSignal): Promise<void> {
    this.forget();
    await this.ask(signal, (sftp, done) => sftp.rmdir(path, done)).catch(async (error: unknown) => {
      if (!isMissing(error) && !isFailure(error)) throw await this.explain(error, path);
    });
  }

  async removeTree(path: string, signal: AbortSignal): Promise<void> {
    this.forget();
    const entries = await this.entries(path, signal);
    if (entries === null) return;
    await inParallel(entries, atOnce, (each) =>
      each.isFolder
        ? this.removeTree(posix.join(path, each.name), signal)
        : this.remove(posix.join(path, each.name), signal),
    );
    await this.ask(signal, (sftp, done) => sftp.rmdir(path, done)).catch(async (error: unknown) => {
      if (!isMissing(error)) throw await this.explain(error, path);
    });
  }

  /** Refuses to replace on servers that keep to the protocol. */
  async rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    await this.ask(signal, (sftp, done) => sftp.rename(from, to, done));
  }

  /** Replaces what was there in one step where the server can, and otherwise so that nothing is lost at any moment. */
  async replace(from: string, to: string, signal: AbortSignal): Promise<void> {
    try {
      return await this.ask(signal, (sftp, done) => sftp.ext_openssh_rename(from, to, done));
    } catch (error) {
      if (!isUnsupported(error)) throw error;
    }
    if ((await this.facts(to, signal)) === null) return this.rename(from, to, signal);
    const old = `${from}-old`;
    await this.rename(to, old, signal);
    try {
      await this.rename(from, to, signal);
    } catch (error) {
      await this.cleanUp((late) => this.rename(old, to, late));
      throw error;
    }
    await this.remove(old, signal);
  }

  async space(signal: AbortSignal): Promise<{ bytes: number; total: number } | null> {
    // The folder may not have been created yet: then the disk it will be created on counts.
    for (let path = this.path; ; path = posix.dirname(path)) {
      try {
        const { f_frsize, f_blocks, f_bavail } = await this.ask<FileSystem>(signal, (sftp, done) =>
          sftp.ext_openssh_statvfs(path, done),
        );
        return { bytes: Number(f_bavail) * Number(f_frsize), total: Number(f_blocks) * Number(f_frsize) };
      } catch (error) {
        if (isUnsupported(error)) return null;
        if (!isMissing(error) || path === posix.dirname(path)) throw sftpError(error, path, this.title);
      }
    }
  }

  /** The protocol says `failure` to much; what can be found out about the reason is. */
  async explain(error: unknown, path: string): Promise<Error> {
    if (!isFailure(error)) return sftpError(error, path, this.title);
    const signal = AbortSignal.timeout(cleanUpMs);
    const space = await this.space(signal).catch(() => null);
    if (space !== null && space.bytes < fullBytes) return full(path, this.title, error);
    const root = await this.ask<Stats>(signal, (sftp, done) => sftp.stat(this.path, done)).catch(() => null);
    if (root !== null && !root.isDirectory()) return notAFolder(this.path, this.title, error);
    return sftpError(error, path, this.title);
  }

  async #isFolder(path: string, signal: AbortSignal): Promise<boolean> {
    // At the root and above it, links are the operator's.
    if (path.length > this.path.length) {
      const facts = await this.facts(path, signal);
      if (facts !== null && !facts.isFolder) throw notAFolder(path, this.title, undefined);
      return facts !== null;
    }
    const stats = await this.ask<Stats>(signal, (sftp, done) => sftp.stat(path, done)).catch((error: unknown) => {
      if (isMissing(error) || isFailure(error)) return null;
      throw sftpError(error, path, this.title);
    });
    if (stats !== null && !stats.isDirectory()) throw notAFolder(path, this.title, undefined);
    return stats !== null;
  }
}

type FileSystem = Record<'f_frsize' | 'f_blocks' | 'f_bavail', number | bigint>;

/** Some servers tell the kind only in the line meant for people. */
function entry(name: string, stats: Stats, line: string): Entry {
  const kind = stats.mode === undefined || (stats.mode & 0o170_000) === 0 ? line[0] : undefined;
  return {
    name,
    isFile: stats.isFile() || kind === '-',
    isFolder: stats.isDirectory() || kind === 'd',
    bytes: stats.size,
    modifiedAt: new Date(stats.mtime * 1000),
  };
}
