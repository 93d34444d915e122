import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  chmodSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import { formatCount } from '../../../base/units.ts';
import { toLine, toPath, type Member } from '../tar/member.ts';
import { safePath } from '../tar/safe-path.ts';
import { hostile } from '../tar/errors.ts';
import type { TarSink } from '../tar/reader.ts';
import { isZero, zeroBlock } from '../tar/tree-digest.ts';
import { insideMark } from './tree-walk.ts';

export interface UnpackSettings {
  /** A new folder that nobody else writes to; bytes. */
  folder: string;
  /** Owners are set, which only root may. */
  owner: boolean;
  /** More than this is refused as soon as it shows; null: whatever comes. */
  most: { entries: number; bytes: number } | null;
}

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const ownOnly = 0o700;

/**
 * Writes the members of a tar below a new folder. Nothing that exists is ever replaced and no link is ever followed: a member is only
 * created in a folder that was looked at and is one, so that no order of members leads out of it.
 */
export class TreeUnpacker implements TarSink {
  readonly #settings: UnpackSettings;
  /** Folders from the root down to the one that is being filled; their rights and times are set when they are left. */
  readonly #open: Member[] = [];
  #file: { descriptor: number; member: Member; end: number } | null = null;
  #entries = 0;
  #bytes = 0;
  #owner: boolean;
  /** Root without the right to give files away, as in some containers. */
  ownersLost = false;

  constructor(settings: UnpackSettings) {
    this.#settings = settings;
    this.#owner = settings.owner;
  }

  member(said: Member): void {
    const member = { ...said, path: safePath(said.path) };
    this.#limit(member);
    if (member.path === '' && member.kind !== 'folder') throw hostile('a member without a name', said.path);
    if (member.path.startsWith(insideMark)) throw hostile('a name that is kept for restores', said.path);
    try {
      this.#enter(member.path === '' ? null : parentOf(member.path), said.path);
      this.#create(member, said.path);
    } catch (error) {
      const errno = systemErrno(error);
      if (errno === 'EEXIST') throw hostile('the same name twice', said.path);
      if (errno === 'ENAMETOOLONG') throw tooLong(toLine(this.#settings.folder), toLine(member.path), error);
      throw error;
    }
  }

  content(bytes: Buffer, at: number): void {
    const file = this.#file;
    if (!file) return;
    for (let from = 0; from < bytes.length;) {
      // Whole blocks, so that zeros become holes.
      const length = Math.min(bytes.length - from, zeroBlock - ((at + from) % zeroBlock));
      const hole = length === zeroBlock && isZero(bytes, from, length);
      const until = hole ? from + length : this.#runOfContent(bytes, at, from);
      if (!hole) writeAll(file.descriptor, bytes, { from, until, at: at + from });
      if (!hole) file.end = at + until;
      from = until;
    }
  }

  end(): void {
    if (!this.#file) return;
    const { descriptor, member, end } = this.#file;
    this.#file = null;
    try {
      if (end < member.size) ftruncateSync(descriptor, member.size);
      if (this.#owner) this.#give(() => fchownSync(descriptor, member.uid, member.gid));
      fchmodSync(descriptor, this.#modeOf(member));
      futimesSync(descriptor, timeOf(member), timeOf(member));
    } finally {
      closeSync(descriptor);
    }
  }

  /** All members were told. */
  finish(): void {
    while (this.#open.length > 0) this.#leave();
  }

  /** After a failure. */
  close(): void {
    if (this.#file) closeSync(this.#file.descriptor);
    this.#file = null;
  }

  #limit(member: Member): void {
    const { most } = this.#settings;
    this.#entries += 1;
    this.#bytes += member.size;
    if (!most || (this.#entries <= most.entries && this.#bytes <= most.bytes)) return;
    throw new HoldfastError(
      'TAR_HOSTILE',
      `the tar holds more than the ${formatCount(most.entries)} entries and ${formatCount(most.bytes)} bytes its backup says`,
      { kind: 'integrity', hint: 'Use another copy or another backup.' },
    );
  }

  #runOfContent(bytes: Buffer, at: number, from: number): number {
    let until = Math.min(bytes.length, from + zeroBlock - ((at + from) % zeroBlock));
    while (until < bytes.length && !(bytes.length - until >= zeroBlock && isZero(bytes, until, zeroBlock))) {
      until = Math.min(bytes.length, until + zeroBlock);
    }
    return until;
  }

  #create(member: Member, said: string): void {
    const at = this.#at(member.path);
    switch (member.kind) {
      case 'folder':
        this.#folder(member);
        return;
      case 'symlink':
        if (member.target === '' || member.target.includes('\0')) throw hostile('a link that leads nowhere', said);
        symlinkSync(toPath(member.target), at);
        if (this.#owner) this.#give(() => lchownSync(at, member.uid, member.gid));
        lutimesSync(at, timeOf(member), timeOf(member));
        return;
      case 'link':
        linkSync(this.#firstName(member.target, said), at);
        return;
      case 'file':
        this.#file = { descriptor: openSync(at, createFlags, 0o600), member, end: 0 };
    }
  }

  #folder(member: Member): void {
    const at = this.#at(member.path);
    // The root was made by whoever named it, and a folder may have been needed before it was described.
    const known = this.#open.find(({ path }) => path === member.path);
    if (known) Object.assign(known, member);
    else if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory()) {
      chmodSync(at, ownOnly);
      this.#open.push(member);
    } else {
      mkdirSync(at, ownOnly);
      this.#open.push(member);
    }
  }

  #firstName(target: string, said: string): string | Buffer {
    const path = safePath(target);
    const at = this.#at(path);
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      if (!isFolder(this.#at(parts.slice(0, depth).join('/'))))
        throw hostile('a link to a file that is not in it', said);
    }
    if (path === '' || !lstatSync(at, { throwIfNoEntry: false })?.isFile()) {
      throw hostile('a link to a file that is not in it', said);
    }
    return at;
  }

  /** Leaves folders that are done, and opens those that lead to this one. */
  #enter(folder: string | null, said: string): void {
    if (folder === null) return;
    while (this.#open.length > 0 && !holds(this.#open.at(-1)?.path ?? '', folder)) this.#leave();
    const from = this.#open.at(-1)?.path;
    if (from === folder) return;
    const parts = folder === '' ? [] : folder.split('/');
    const known = from === undefined ? -1 : from === '' ? 0 : from.split('/').length;
    for (let depth = known + 1; depth <= parts.length; depth += 1)
      this.#openFolder(parts.slice(0, depth).join('/'), said);
  }

  #openFolder(path: string, said: string): void {
    const at = this.#at(path);
    const stats = lstatSync(at, { throwIfNoEntry: false, bigint: true });
    if (stats && !stats.isDirectory()) throw hostile('a member below something that is no folder', said);
    if (stats) chmodSync(at, ownOnly);
    else mkdirSync(at, ownOnly);
    this.#open.push({
      kind: 'folder',
      path,
      mode: stats ? Number(stats.mode & 0o7777n) : 0o755,
      uid: Number(stats?.uid ?? process.getuid?.() ?? 0),
      gid: Number(stats?.gid ?? process.getgid?.() ?? 0),
      size: 0,
      modified: stats?.mtimeNs ?? BigInt(Date.now()) * 1_000_000n,
      target: '',
      regions: null,
    });
  }

  #leave(): void {
    const member = this.#open.pop();
    if (!member) return;
    const at = this.#at(member.path);
    if (this.#owner) this.#give(() => chownSync(at, member.uid, member.gid));
    utimesSync(at, timeOf(member), timeOf(member));
    chmodSync(at, this.#modeOf(member));
  }

  #give(change: () => void): void {
    try {
      change();
    } catch (error) {
      if (systemErrno(error) !== 'EPERM') throw error;
      this.#owner = false;
      this.ownersLost = true;
    }
  }

  /** Bits that lend the owner's rights mean something else under another owner. */
  #modeOf({ mode }: Member): number {
    return this.#owner ? mode & 0o7777 : mode & 0o1777;
  }

  #at(path: string): string | Buffer {
    return toPath(path === '' ? this.#settings.folder : `${this.#settings.folder}/${path}`);
  }
}

function tooLong(folder: string, path: string, cause: unknown): HoldfastError {
  const said = path.length <= 200 ? path : `${path.slice(0, 100)}...${path.slice(-100)}`;
  return new HoldfastError(
    'FILES_PATH_TOO_LONG',
    `${said} cannot be laid down in ${folder}: its path, or a name in it, is longer than the system takes there`,
    {
      cause,
      hint: 'Restore into a folder whose own path is shorter, with --to; a drill lays it down below TMPDIR.',
    },
  );
}

function writeAll(file: number, bytes: Buffer, { from, until, at }: { from: number; until: number; at: number }): void {
  for (let done = from; done < until;) done += writeSync(file, bytes, done, until - done, at + done - from);
}

function isFolder(at: string | Buffer): boolean {
  return lstatSync(at, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

function holds(folder: string, path: string): boolean {
  return folder === '' || folder === path || path.startsWith(`${folder}/`);
}

/** Node keeps microseconds; a negative number it takes for the present, and a negative date for what it is. */
function timeOf({ modified }: Member): number | Date {
  return modified < 0n ? new Date(Number(modified / 1_000_000n)) : Number(modified / 1000n) / 1e6;
}
