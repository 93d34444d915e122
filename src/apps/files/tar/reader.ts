import type { Member, MemberKind, Region } from './member.ts';
import { damaged, hostile } from './errors.ts';
import { block, padded } from './head.ts';
import { takeRecords, type NextMember } from './records.ts';

/** Who is told of the members of a tar, in their order. */
export interface TarSink {
  member(member: Member): void;
  /** What of a file is not a hole: `at` is the place in the file. */
  content(bytes: Buffer, at: number): void;
  /** All content of the last member was told. */
  end(): void;
}

/** More than any head of ours; what is longer is no head. */
const mostRecords = 1024 * 1024;
const second = 1_000_000_000n;

type Step = 'head' | 'records' | 'map' | 'content' | 'padding' | 'after';

/** Reads a tar that is pushed into it piece by piece: the formats ustar, pax (with sparse files 1.0) and the long names of GNU. */
export class TarReader {
  readonly #sink: TarSink;
  /** Bytes that are collected before they can be understood. */
  #collected: Buffer[] = [];
  #missing = block;
  #step: Step = 'head';
  #stored = 0;
  #member: Member | null = null;
  #next: NextMember = {};
  #recordsAre = '';
  #region = 0;
  #inRegion = 0;
  #mapBytes = 0;
  #mapLines = 0;
  #mapBlocks: Buffer[] = [];
  #regions: readonly Region[] = [];
  #bytes = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Nothing of it is looked at again afterwards. */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + this.#missing);
      at += piece.length;
      this.#bytes += piece.length;
      this.#missing -= piece.length;
      if (this.#step === 'content') this.#content(piece);
      else if (this.#step === 'after') this.#after(piece);
      else if (this.#step !== 'padding') this.#collected.push(this.#missing === 0 ? piece : Buffer.from(piece));
      if (this.#missing === 0) this.#advance();
    }
  }

  /** The last byte was pushed. */
  finish(): void {
    if (this.#step !== 'after') throw damaged('it ends in the middle', this.#bytes);
  }

  #advance(): void {
    switch (this.#step) {
      case 'head':
        return this.#head(this.#take());
      case 'records':
        this.#records(this.#take());
        return this.#expect('head', block);
      case 'map':
        return this.#map(this.#take());
      case 'content':
        return this.#endMember();
      case 'padding':
        return this.#expect('head', block);
      case 'after':
        return this.#expect('after', block);
    }
  }

  #expect(step: Step, bytes: number): void {
    this.#step = step;
    this.#missing = bytes;
    if (bytes === 0) this.#advance();
  }

  #take(): Buffer {
    const [first] = this.#collected;
    const all = this.#collected.length === 1 && first ? first : Buffer.concat(this.#collected);
    this.#collected = [];
    return all;
  }

  #head(head: Buffer): void {
    if (head[0] === 0 && head.every((byte) => byte === 0)) {
      if (Object.keys(this.#next).length > 0) throw damaged('a head is without its member', this.#bytes);
      return this.#expect('after', block);
    }
    if (head.toString('latin1', 257, 262) !== 'ustar' || numberIn(head, 148, 8) !== sumOf(head)) {
      throw damaged('there is no head where one should be', this.#bytes);
    }
    const type = head.toString('latin1', 156, 157);
    const stored = numberIn(head, 124, 12);
    if (!Number.isSafeInteger(stored) || stored < 0) throw damaged('a member has no size', this.#bytes);
    if ('xgLK'.includes(type)) {
      if (stored > mostRecords) throw damaged('a head is longer than there is reason for', this.#bytes);
      this.#recordsAre = type;
      this.#stored = stored;
      return this.#expect('records', padded(stored));
    }
    this.#begin(head, type, stored);
  }

  #begin(head: Buffer, type: string, said: number): void {
    const next = this.#next;
    this.#next = {};
    const kind = kindOf(type, next.path ?? nameIn(head));
    if (kind === null) throw hostile(`a member of the type ${JSON.stringify(type)}`, next.path ?? nameIn(head));
    this.#stored = kind === 'file' ? (next.size ?? said) : 0;
    const path = next.path ?? nameIn(head);
    this.#member = {
      kind,
      path: kind === 'folder' || path === './' ? withoutEnd(path) : path,
      mode: numberIn(head, 100, 8) & 0o7777,
      uid: next.uid ?? numberIn(head, 108, 8),
      gid: next.gid ?? numberIn(head, 116, 8),
      size: next.sparse ? next.sparse.size : this.#stored,
      modified: next.modified ?? BigInt(numberIn(head, 136, 12)) * second,
      target: kind === 'link' || kind === 'symlink' ? (next.target ?? textIn(head, 157, 100)) : '',
      regions: null,
    };
    this.#mapBytes = 0;
    this.#mapLines = 0;
    this.#mapBlocks = [];
    if (next.sparse) return this.#expect('map', block);
    this.#beginContent([{ at: 0, length: this.#stored }], this.#stored);
  }

  #beginContent(regions: readonly Region[], bytes: number): void {
    this.#regions = regions;
    this.#region = 0;
    this.#inRegion = 0;
    if (this.#member) this.#sink.member(this.#member);
    this.#expect('content', bytes);
  }

  #content(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) {
      const region = this.#regions[this.#region];
      if (!region) throw damaged('a sparse file has more content than its map says', this.#bytes);
      const some = rest.subarray(0, region.length - this.#inRegion);
      if (some.length > 0) this.#sink.content(some, region.at + this.#inRegion);
      rest = rest.subarray(some.length);
      this.#inRegion += some.length;
      if (this.#inRegion < region.length) return;
      this.#region += 1;
      this.#inRegion = 0;
    }
  }

  #endMember(): void {
    this.#sink.end();
    this.#member = null;
    this.#expect('padding', padded(this.#stored) - this.#stored);
  }

  /** Its first line says how many follow; blocks are asked for until they have come. */
  #map(bytes: Buffer): void {
    this.#mapBytes += bytes.length;
    this.#mapBlocks.push(Buffer.from(bytes));
    const first = this.#mapBlocks[0]?.toString('latin1') ?? '';
    const count = /^(\d{1,7})\n/.exec(first)?.[1];
    if (count === undefined) throw damaged('the map of a sparse file cannot be read', this.#bytes);
    for (const byte of bytes) if (byte === 10) this.#mapLines += 1;
    if (this.#mapLines <= 2 * Number(count)) {
      if (this.#mapBytes + block > this.#stored) throw damaged('the map of a sparse file has no end', this.#bytes);
      return this.#expect('map', block);
    }
    const numbers = Buffer.concat(this.#mapBlocks)
      .toString('latin1')
      .split('\n')
      .slice(1, 2 * Number(count) + 1);
    const regions = this.#regionsOf(numbers.map(Number));
    if (this.#member) this.#member.regions = regions;
    this.#beginContent(regions, this.#stored - this.#mapBytes);
  }

  #regionsOf(numbers: readonly number[]): Region[] {
    const regions: Region[] = [];
    const size = this.#member?.size ?? 0;
    let before = 0;
    let content = 0;
    for (let index = 0; index < numbers.length; index += 2) {
      const [at = -1, length = -1] = [numbers[index], numbers[index + 1]];
      const fits = Number.isSafeInteger(at) && at >= before && length >= 0 && at + length <= size;
      if (!fits) throw damaged('the map of a sparse file leads out of it', this.#bytes);
      if (length > 0) regions.push({ at, length });
      before = at + length;
      content += length;
    }
    if (content === this.#stored - this.#mapBytes) return regions;
    throw damaged('the map of a sparse file does not fit its content', this.#bytes);
  }

  #records(bytes: Buffer): void {
    const text = bytes.subarray(0, this.#stored);
    switch (this.#recordsAre) {
      case 'L':
        this.#next.path = withoutNul(text.toString('latin1'));
        break;
      case 'K':
        this.#next.target = withoutNul(text.toString('latin1'));
        break;
      case 'x':
        takeRecords(this.#next, text, this.#bytes);
        break;
      default: // `g`: remarks on the archive as a whole, such as the commit of a repository
    }
  }

  #after(piece: Buffer): void {
    if (piece.some((byte) => byte !== 0)) throw damaged('something follows its end', this.#bytes);
  }
}

function kindOf(type: string, path: string): MemberKind | null {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      return path.endsWith('/') ? 'folder' : 'file';
    case '1':
      return 'link';
    case '2':
      return 'symlink';
    case '5':
      return 'folder';
    default:
      return null;
  }
}

function nameIn(head: Buffer): string {
  const prefix = head.toString('latin1', 257, 263) === 'ustar\0' ? textIn(head, 345, 155) : '';
  const name = textIn(head, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textIn(head: Buffer, at: number, length: number): string {
  return withoutNul(head.toString('latin1', at, at + length));
}

function withoutNul(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function withoutEnd(path: string): string {
  return path === './' || path === '.' ? '' : path.replace(/\/+$/, '');
}

/** Octal, or where that is too small, as GNU writes it, binary with the first bit set. */
function numberIn(head: Buffer, at: number, length: number): number {
  const first = head[at] ?? 0;
  if (first === 0x80 || first === 0xff) {
    let number = first === 0xff ? -1 : 0;
    for (let byte = at + 1; byte < at + length; byte += 1) number = number * 256 + (head[byte] ?? 0);
    return number;
  }
  let number = 0;
  for (let byte = at; byte < at + length; byte += 1) {
    const digit = (head[byte] ?? 0) - 48;
    if (digit >= 0 && digit < 8) number = number * 8 + digit;
    else if (head[byte] !== 32 || number > 0) break;
  }
  return number;
}

function sumOf(head: Buffer): number {
  let sum = 8 * 32;
  for (let at = 0; at < block; at += 1) if (at < 148 || at >= 156) sum += head[at] ?? 0;
  return sum;
}
