import { damaged } from './errors.ts';

const second = 1_000_000_000n;

/** What the records before a member say of it. */
export interface NextMember {
  path?: string;
  target?: string;
  size?: number;
  uid?: number;
  gid?: number;
  modified?: bigint;
  sparse?: { size: number };
}

/** Of `30 path=...\n30 mtime=...\n`, what concerns us. */
export function takeRecords(next: NextMember, bytes: Buffer, at: number): void {
  for (const [key, value] of recordsIn(bytes, at)) take(next, key, value, at);
}

function take(next: NextMember, key: string, value: string, at: number): void {
  switch (key) {
    case 'path':
      next.path = value;
      return;
    case 'GNU.sparse.name':
      next.path = value;
      return;
    case 'linkpath':
      next.target = value;
      return;
    case 'size':
    case 'uid':
    case 'gid':
      next[key] = wholeNumber(value, at);
      return;
    case 'mtime':
      next.modified = nanoseconds(value, at);
      return;
    case 'GNU.sparse.realsize':
      next.sparse = { size: wholeNumber(value, at) };
      return;
    case 'GNU.sparse.major':
      if (value !== '1') throw damaged(`sparse files of the format ${value} are not known`, at);
      return;
    case 'GNU.sparse.size':
    case 'GNU.sparse.map':
      throw damaged('sparse files of the formats 0.0 and 0.1 are not known', at);
    default: // access time, comment, extended attributes: not ours to keep
  }
}

function* recordsIn(bytes: Buffer, where: number): Generator<[key: string, value: string]> {
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(32, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(61, space);
    const end = at + length;
    const fits = space > at && equals > space && end > equals && end <= bytes.length && bytes[end - 1] === 10;
    if (!fits) throw damaged('its records cannot be read', where);
    yield [bytes.toString('latin1', space + 1, equals), bytes.toString('latin1', equals + 1, end - 1)];
    at = end;
  }
}

function wholeNumber(text: string, at: number): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw damaged(`${JSON.stringify(text.slice(0, 40))} is not a number`, at);
  return number;
}

function nanoseconds(text: string, at: number): bigint {
  const parts = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text);
  if (!parts) throw damaged(`${JSON.stringify(text.slice(0, 40))} is not a time`, at);
  const [, sign, whole = '0', part = ''] = parts;
  const amount = BigInt(whole) * second + BigInt(part.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -amount : amount;
}
