import { createDecipheriv, scrypt } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { HoldfastError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';

/** The bytes of the ZIP inside a `.nbdata`, any range of them, whether the file is encrypted or not. */
export interface NbdataBytes {
  readonly encrypted: boolean;
  readonly size: number;
  /** `end` is not included. */
  read(start: number, end: number): AsyncIterable<Buffer>;
}

const block = 16;
const pieceBytes = 1024 * 1024;
const zipBegins = [Buffer.from('PK\u0003\u0004'), Buffer.from('PK\u0005\u0006')];
const zipEnds = Buffer.from('PK\u0005\u0006');
/** What ends a ZIP, with the longest comment there can be. */
const longestEnd = 22 + 65_535;
const anotherCopy = 'Use another copy of the file.';

export async function openNbdataBytes(file: FileHandle, name: string, password: Secret | null): Promise<NbdataBytes> {
  const { size } = await file.stat();
  const plain: NbdataBytes = { encrypted: false, size, read: (start, end) => readRange(file, start, end) };
  if (beginsZip(await collect(plain.read(0, 4)))) return plain;
  // Encrypted: 16 bytes to start from, then whole blocks, the last one padded. Anything else is neither.
  if (size < 2 * block || size % block !== 0) {
    throw new HoldfastError(
      'NBDATA_DAMAGED',
      `${name} is no .nbdata file, or it was cut: it is neither a ZIP nor encrypted`,
      {
        kind: 'integrity',
        hint: anotherCopy,
      },
    );
  }
  if (password === null) {
    throw new HoldfastError('NBDATA_PASSWORD_NEEDED', `${name} is encrypted, or damaged in its first bytes`, {
      hint: 'Give the password in HOLDFAST_NBDATA_PASSWORD (or HOLDFAST_NBDATA_PASSWORD_FILE). Without it the two cannot be told apart.',
    });
  }
  return decrypted(file, size, name, await deriveKey(password));
}

/** NocoBase's own choice: one salt for all, and the usual cost. */
function deriveKey(password: Secret): Promise<Buffer> {
  const derive = promisify<string, string, number, Buffer>(scrypt);
  return derive(password.reveal(), 'backup salt', 32);
}

/**
 * A password is right when the first block or the end looks like those of a ZIP: one damaged place cannot hide both. Nothing in the
 * format says more, and nothing at all protects what lies between.
 */
async function decrypted(file: FileHandle, size: number, name: string, key: Buffer): Promise<NbdataBytes> {
  const padded = size - block;
  const read = (start: number, end: number) => decryptRange(file, key, start, end);
  const begins = beginsZip(await collect(read(0, 4)));
  const padding = paddingOf(await collect(read(padded - block, padded)));
  const inside = padded - (padding ?? 0);
  const ends = padding !== null && endsZip(await collect(read(Math.max(0, inside - longestEnd), inside)));
  if (begins && padding !== null) return { encrypted: true, size: inside, read };
  if (begins || ends) {
    const where = begins ? 'it was cut, or its last bytes are damaged' : 'its first bytes are damaged';
    throw new HoldfastError('NBDATA_DAMAGED', `${name} is damaged: the password is right, but ${where}`, {
      kind: 'integrity',
      hint: anotherCopy,
    });
  }
  throw new HoldfastError('NBDATA_PASSWORD_WRONG', `the password does not open ${name}`, {
    hint: 'Check the password. A file that is damaged both at its beginning and at its end would look the same: the format cannot tell.',
  });
}

/** Each block needs only the one before it, so any place can be read without what lies before. */
async function* decryptRange(file: FileHandle, key: Buffer, start: number, end: number): AsyncIterable<Buffer> {
  if (end <= start) return;
  const first = Math.floor(start / block) * block;
  const last = Math.ceil(end / block) * block;
  const before = await collect(readRange(file, first, first + block));
  const decipher = createDecipheriv('aes-256-cbc', key, before).setAutoPadding(false);
  let at = first;
  for await (const piece of readRange(file, first + block, last + block)) {
    const clear = decipher.update(piece);
    const from = Math.max(0, start - at);
    const to = Math.min(clear.length, end - at);
    at += clear.length;
    if (to > from) yield clear.subarray(from, to);
  }
}

async function* readRange(file: FileHandle, start: number, end: number): AsyncIterable<Buffer> {
  for (let at = start; at < end;) {
    const length = Math.min(pieceBytes, end - at);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

function beginsZip(head: Buffer): boolean {
  return zipBegins.some((begin) => begin.equals(head.subarray(0, begin.length)));
}

/** The record that ends a ZIP, with a comment that reaches exactly to the end. */
function endsZip(tail: Buffer): boolean {
  for (let at = tail.lastIndexOf(zipEnds); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(zipEnds, at - 1)) {
    if (at + 22 <= tail.length && at + 22 + tail.readUInt16LE(at + 20) === tail.length) return true;
  }
  return false;
}

/** Null when it cannot be padding. */
function paddingOf(last: Buffer): number | null {
  const length = last.at(-1) ?? 0;
  if (last.length !== block || length < 1 || length > block) return null;
  return last.subarray(block - length).every((byte) => byte === length) ? length : null;
}
