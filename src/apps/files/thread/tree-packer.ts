import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import { chunkBytes, Chunks } from './chunks.ts';
import { aloneFromBytes, Cuts } from './cuts.ts';
import { ContentTally, mostNames, type TreeContent } from '../tar/tree-content.ts';
import { toLine, toPath, type Member, type Region } from '../tar/member.ts';
import { findRegions } from '../tar/sparse.ts';
import { block, mostHead, pad, padded, sparseMap, writeHead } from '../tar/head.ts';
import { describeMember, zeroBlock } from '../tar/tree-digest.ts';
import { walkTree, type Found, type WalkSettings } from './tree-walk.ts';

export interface PackReport {
  /** The digest is without the members that were left to the other thread. */
  content: TreeContent;
  changed: NameList;
  vanished: NameList;
  skipped: NameList;
  unreadable: NameList;
  /** Folders of the program itself. */
  leftOut: NameList;
}

export interface NameList {
  count: number;
  /** The first of them. */
  names: string[];
}

export interface PackSettings extends WalkSettings {
  /** Unreadable files are left out; otherwise the first of them ends the reading, and the rest is only looked at for more of them. */
  optional: boolean;
}

/** `O_NOFOLLOW`: a file may become a link after it was listed. `O_NONBLOCK`: or a pipe, and opening it would wait for its writer. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * One file because all of it looks at one walk through the tree. Reads a tree and writes it as a tar, or as several (`cuts.ts`). Everything is synchronous, which takes a fifth of the time that promises take for small files;
 * therefore it runs in a thread of its own.
 */
export class TreePacker {
  readonly #settings: PackSettings;
  #out: Chunks;
  #tally = new ContentTally();
  readonly #cuts: Cuts | null;
  /** Of a tree that is cut: what has to come last, because folders get their rights and times when all is in them, and links need their files. */
  readonly #last: Member[] = [];
  readonly #scratch = Buffer.allocUnsafeSlow(chunkBytes);
  /** The first name of files that have several, until all of their names were met. */
  readonly #firstNames = new Map<string, { path: string; left: bigint }>();
  #lists = emptyLists();

  constructor(settings: PackSettings, out: Chunks | Cuts) {
    this.#settings = settings;
    this.#cuts = out instanceof Cuts ? out : null;
    this.#out = out instanceof Cuts ? out.groups : out;
  }

  run(): PackReport {
    const troubles = {
      vanished: (path: string) => note(this.#lists.vanished, toLine(path)),
      leftOut: (path: string) => note(this.#lists.leftOut, toLine(path)),
      unreadable: (path: string, error: unknown) => this.#unreadable(path, error),
    };
    for (const found of walkTree(this.#settings, troubles)) this.#entry(found);
    if (this.#cuts && !this.#hopeless) this.#writeLast(this.#cuts);
    else {
      this.#out.put(Buffer.alloc(2 * block));
      this.#out.flush();
    }
    return { content: this.#tally.facts(), ...this.#lists };
  }

  #entry({ path, kind, what, stats }: Found): void {
    try {
      if (kind === 'special') note(this.#lists.skipped, `${toLine(path)} (${what})`);
      else if (this.#hopeless) this.#look(path, kind);
      else if (kind === 'folder') this.#head(memberOf(path, stats ?? lstat(this.#at(path))));
      else if (kind === 'symlink') this.#symlink(path);
      else this.#file(path);
    } catch (error) {
      const errno = systemErrno(error);
      if (errno === undefined) throw error;
      // Of another kind now (ELOOP: a link, ENXIO: a socket): what was listed is not there any more.
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EINVAL'].includes(errno)) note(this.#lists.vanished, toLine(path));
      else this.#unreadable(path, error);
    }
  }

  get #hopeless(): boolean {
    return this.#lists.unreadable.count > 0 && !this.#settings.optional;
  }

  #look(path: string, kind: Found['kind']): void {
    if (kind === 'file') accessSync(toPath(this.#at(path)), constants.R_OK);
  }

  #symlink(path: string): void {
    const at = toPath(this.#at(path));
    const target = readlinkSync(at, { encoding: 'latin1' });
    this.#head({ ...memberOf(path, lstat(this.#at(path))), size: 0, kind: 'symlink', target });
  }

  #file(path: string): void {
    const file = openSync(toPath(this.#at(path)), readFlags);
    try {
      const stats = fstatSync(file, { bigint: true });
      if (!stats.isFile()) return note(this.#lists.vanished, toLine(path));
      const first = stats.nlink > 1n ? this.#firstName(path, stats) : null;
      if (first !== null) return this.#head({ ...memberOf(path, stats), size: 0, kind: 'link', target: first });
      const member = memberOf(path, stats);
      if (this.#cuts && member.size > aloneFromBytes) return this.#alone(this.#cuts, file, member, stats);
      this.#cuts?.before(path, member.size);
      const whole = member.size < zeroBlock ? this.#small(file, member) : this.#large(file, member, stats);
      if (!whole || !same(stats, fstatSync(file, { bigint: true }))) note(this.#lists.changed, toLine(path));
      this.#cuts?.after();
    } finally {
      closeSync(file);
    }
  }

  #firstName(path: string, { dev, ino, nlink, birthtimeNs }: BigIntStats): string | null {
    // The disk gives the number of a file that is gone to the next one.
    const key = `${dev}:${ino}:${birthtimeNs}`;
    const known = this.#firstNames.get(key);
    if (!known) {
      this.#firstNames.set(key, { path, left: nlink - 1n });
      return null;
    }
    known.left -= 1n;
    if (known.left <= 0n) this.#firstNames.delete(key);
    return known.path;
  }

  #alone(cuts: Cuts, file: number, member: Member, stats: BigIntStats): void {
    cuts.flush();
    const whole = stats.blocks * 512n >= stats.size;
    const head = writeHead(this.#scratch, 0, member, member.size);
    this.#passes(cuts, whole ? head + padded(member.size) + 2 * block : null, () => {
      const now = fstatSync(file, { bigint: true });
      const complete = this.#large(file, memberOf(member.path, now), now);
      if (!complete || !same(now, fstatSync(file, { bigint: true }))) note(this.#lists.changed, toLine(member.path));
    });
  }

  #writeLast(cuts: Cuts): void {
    cuts.flush();
    this.#passes(cuts, null, () => {
      for (const member of this.#last) this.#write(member, 0);
    });
  }

  /** Only what the last pass met counts: it is what was stored, or is equal to what is stored already. */
  #passes(cuts: Cuts, rawBytes: number | null, write: () => void): void {
    const before = { out: this.#out, tally: this.#tally, lists: this.#lists };
    let met = { tally: new ContentTally(), lists: emptyLists() };
    try {
      cuts.alone(rawBytes, (out) => {
        met = { tally: new ContentTally(), lists: emptyLists() };
        this.#out = out;
        this.#tally = met.tally;
        this.#lists = met.lists;
        write();
      });
    } catch (error) {
      const errno = systemErrno(error);
      if (errno === undefined) throw error;
      // Half of it may be on its way: it cannot be left out any more.
      throw new HoldfastError('FILES_UNREADABLE', `a file could not be read to its end (${errno})`, {
        hint: 'Look at the disk it lies on; the system says more in its log.',
      });
    } finally {
      this.#out = before.out;
      this.#tally = before.tally;
      this.#lists = before.lists;
    }
    this.#tally.merge(met.tally.facts());
    for (const name of ['changed', 'vanished', 'skipped', 'unreadable', 'leftOut'] as const)
      join(this.#lists[name], met.lists[name]);
  }

  #head(member: Member, stored = 0): void {
    if (this.#cuts && member.kind !== 'file') this.#last.push(member);
    else this.#write(member, stored);
  }

  #write(member: Member, stored: number): void {
    this.#out.reserve(mostHead);
    this.#out.at = writeHead(this.#out.buffer, this.#out.at, member, stored);
    if (member.kind === 'file') return;
    this.#tally.count(member);
    this.#tally.digest.add(member, null);
  }

  /** In one piece behind its head, with one read. False: it had become shorter. */
  #small(file: number, member: Member): boolean {
    const out = this.#out;
    out.reserve(mostHead + padded(member.size));
    this.#head(member, member.size);
    const at = out.at;
    const read = this.#read(file, { into: out.buffer, at, length: member.size, from: 0 });
    out.buffer.fill(0, at + read, at + member.size);
    this.#tally.count(member);
    const end = at + member.size;
    if (!out.leave(describeMember(member), at, end)) this.#tally.digest.add(member, out.buffer.subarray(at, end));
    out.at = pad(out.buffer, at + member.size);
    return read === member.size;
  }

  #large(file: number, member: Member, stats: BigIntStats): boolean {
    const regions = findRegions(file, stats, this.#scratch);
    const described = { ...member, regions };
    const map = regions ? sparseMap(regions, member.size) : Buffer.alloc(0);
    const kept: readonly Region[] = regions ?? [{ at: 0, length: member.size }];
    const stored = kept.reduce((sum, { length }) => sum + length, map.length);
    this.#head(described, stored);
    this.#out.put(map);
    const digest = this.#tally.digest.begin(member);
    let whole = true;
    let end = 0;
    for (const region of kept) {
      digest.zeros(region.at - end);
      end = region.at + region.length;
      whole = this.#region(file, region, digest) && whole;
    }
    digest.zeros(member.size - end);
    digest.end();
    this.#tally.count(described);
    this.#out.put(Buffer.alloc(padded(stored) - stored));
    return whole;
  }

  #region(file: number, { at: from, length }: Region, digest: { update(bytes: Buffer): void }): boolean {
    const out = this.#out;
    let whole = true;
    for (let done = 0; done < length;) {
      if (out.at === chunkBytes) out.flush();
      const wanted = Math.min(length - done, chunkBytes - out.at);
      const read: number = whole
        ? this.#read(file, { into: out.buffer, at: out.at, length: wanted, from: from + done })
        : 0;
      whole &&= read === wanted;
      // What is missing of a file that became shorter is made up with zeros: its head has been sent.
      out.buffer.fill(0, out.at + read, out.at + wanted);
      digest.update(out.buffer.subarray(out.at, out.at + wanted));
      out.at += wanted;
      done += wanted;
    }
    return whole;
  }

  #read(file: number, { into, at, length, from }: { into: Buffer; at: number; length: number; from: number }): number {
    let done = 0;
    while (done < length) {
      const read = readSync(file, into, at + done, length - done, from + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  #unreadable(path: string, error: unknown): void {
    note(this.#lists.unreadable, `${path === '' ? '.' : toLine(path)} (${systemErrno(error) ?? 'unreadable'})`);
  }

  #at(path: string): string {
    return path === '' ? this.#settings.root : `${this.#settings.root}/${path}`;
  }
}

function memberOf(path: string, { mode, uid, gid, size, mtimeNs }: BigIntStats): Member {
  const folder = (mode & BigInt(constants.S_IFMT)) === BigInt(constants.S_IFDIR);
  return {
    kind: folder ? 'folder' : 'file',
    path,
    mode: Number(mode & 0o7777n),
    uid: Number(uid),
    gid: Number(gid),
    size: folder ? 0 : Number(size),
    modified: mtimeNs,
    target: '',
    regions: null,
  };
}

/** Not the time of the last reading, and not the number of names: those change without the content. */
function same(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}

function lstat(path: string): BigIntStats {
  return lstatSync(toPath(path), { bigint: true });
}

function emptyLists() {
  return { changed: list(), vanished: list(), skipped: list(), unreadable: list(), leftOut: list() };
}

function join(all: NameList, more: NameList): void {
  all.count += more.count;
  all.names.push(...more.names.slice(0, mostNames - all.names.length));
}

function list(): NameList {
  return { count: 0, names: [] };
}

function note(names: NameList, name: string): void {
  names.count += 1;
  if (names.names.length < mostNames) names.names.push(name);
}
