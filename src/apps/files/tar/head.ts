import { isAscii, type Member, type MemberKind, type Region } from './member.ts';

/**
 * Heads of tar members in the POSIX (pax) format. Written here and not by a library, for measured reasons (docs/files.md): names are
 * written byte for byte, whether they are UTF-8 or not, and 100,000 small files cost a third of the time.
 */
export const block = 512;
/** No head is longer: two blocks, the pax records, and the map of a sparse file goes to the content. */
export const mostHead = 32 * 1024;

const typeFlag: Record<MemberKind, string> = { file: '0', link: '1', symlink: '2', folder: '5' };
const mostSize = 8 ** 11 - 1;
const mostId = 8 ** 7 - 1;
const second = 1_000_000_000n;

/** Writes the head of a member; returns where its content begins. `stored`: how many bytes of content follow. */
export function writeHead(into: Buffer, at: number, member: Member, stored: number): number {
  const path = pathInTar(member);
  const records = recordsOf(member, path, stored);
  let next = at;
  if (records !== '') {
    next = writeBlock(into, next, { ...member, kind: 'x', path: 'PaxHeader', target: '', stored: records.length });
    next = pad(into, next + into.write(records, next, 'latin1'));
  }
  const name = member.regions ? `GNUSparseFile.0/${path.slice(-80)}` : path.slice(-100);
  return writeBlock(into, next, { ...member, path: name, target: member.target.slice(0, 100), stored });
}

/** The map that precedes the content of a sparse file (format 1.0 of GNU tar), with its padding. */
export function sparseMap(regions: readonly Region[], size: number): Buffer {
  // GNU tar gives a file its length by an empty region at the end of it.
  const all = [...regions, { at: size, length: 0 }];
  const text = `${all.length}\n${all.map(({ at, length }) => `${at}\n${length}\n`).join('')}`;
  const map = Buffer.alloc(padded(text.length));
  map.write(text, 0, 'latin1');
  return map;
}

/** Fills up to the next full block with zeros. */
export function pad(into: Buffer, at: number): number {
  const end = padded(at);
  into.fill(0, at, end);
  return end;
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / block) * block;
}

function pathInTar({ kind, path }: Member): string {
  if (path === '') return './';
  return kind === 'folder' ? `${path}/` : path;
}

/** What the fields of the old format cannot hold. */
function recordsOf({ target, uid, gid, size, modified, regions }: Member, path: string, stored: number): string {
  const needsText = (text: string) => text.length > 100 || !isAscii(text);
  let records = '';
  if (regions) {
    records += record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0');
    records += record('GNU.sparse.name', path) + record('GNU.sparse.realsize', String(size));
  } else if (needsText(path)) records += record('path', path);
  if (needsText(target)) records += record('linkpath', target);
  if (uid > mostId) records += record('uid', String(uid));
  if (gid > mostId) records += record('gid', String(gid));
  if (stored > mostSize) records += record('size', String(stored));
  const whole = modified % second === 0n && modified >= 0n && modified / second <= BigInt(mostSize);
  if (!whole) records += record('mtime', timeText(modified));
  return records;
}

/** `30 path=...\n`, where the number counts itself. */
function record(key: string, value: string): string {
  const text = ` ${key}=${value}\n`;
  const digits = String(text.length).length;
  const length = text.length + digits;
  return String(length).length === digits ? `${length}${text}` : `${length + 1}${text}`;
}

function timeText(nanoseconds: bigint): string {
  const amount = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  return `${nanoseconds < 0n ? '-' : ''}${amount / second}.${String(amount % second).padStart(9, '0')}`;
}

interface Fields extends Omit<Member, 'kind' | 'size' | 'regions'> {
  kind: MemberKind | 'x';
  stored: number;
}

function writeBlock(
  into: Buffer,
  at: number,
  { kind, path, mode, uid, gid, stored, modified, target }: Fields,
): number {
  into.fill(0, at, at + block);
  into.write(path, at, 100, 'latin1');
  octal(into, at + 100, 8, mode & 0o7777);
  octal(into, at + 108, 8, Math.min(uid, mostId));
  octal(into, at + 116, 8, Math.min(gid, mostId));
  octal(into, at + 124, 12, Math.min(stored, mostSize));
  octal(into, at + 136, 12, Math.min(Math.max(Number(modified / second), 0), mostSize));
  into[at + 156] = (kind === 'x' ? kind : typeFlag[kind]).charCodeAt(0);
  into.write(target, at + 157, 100, 'latin1');
  into.write('ustar\x0000', at + 257, 'latin1');
  // The sum is taken with eight spaces in its own place.
  let sum = 8 * 32;
  for (let byte = at; byte < at + block; byte += 1) sum += into[byte] ?? 0;
  octal(into, at + 148, 7, sum);
  into[at + 155] = 32;
  return at + block;
}

function octal(into: Buffer, at: number, length: number, value: number): void {
  let rest = value;
  for (let digit = at + length - 2; digit >= at; digit -= 1) {
    into[digit] = 48 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}
