import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Transform } from 'node:stream';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { doneWith, lend, letGo, markPassing, reusedMemory } from '../base/reuse.ts';
import { bufferedBytes } from './pipeline.ts';

const chunkBytes = 64 * 1024;
const tagBytes = 16;
const sealedBytes = chunkBytes + tagBytes;
/** What is passed on at once. */
const pieceBytes = 16 * sealedBytes;
const nonceBytes = 16;
/** Room for hundreds of recipients; what is longer has no header. */
const longestHeader = 1024 * 1024;
const nothing: Buffer = Buffer.alloc(0);

/**
 * An age file for these recipients (`age1...`). The header is the library's; the bulk is node:crypto's, because the library's own
 * is slower than a dump.
 */
export async function encryptor(recipients: readonly string[]): Promise<Transform> {
  const { header, fileKey } = await makeHeader(recipients);
  const nonce = randomBytes(nonceBytes);
  const sealNext = sealer(payloadKey(fileKey, nonce));
  const chunks = cutter(chunkBytes);
  let piece: Buffer<ArrayBuffer> | null = null;
  let filled = 0;
  /** Most files are small, and need no such piece. */
  const sealOnly = (content: Buffer) => {
    const only = Buffer.allocUnsafeSlow(content.length + tagBytes);
    sealNext(content, true, only);
    markPassing(only);
    stream.push(only);
  };
  const seal = (content: Buffer, last: boolean) => {
    if (last && piece === null) return sealOnly(content);
    piece ??= reusedMemory(pieceBytes);
    filled += sealNext(content, last, piece.subarray(filled));
    if (!last && filled < pieceBytes) return;
    stream.push(lend(piece.subarray(0, filled)));
    piece = null;
    filled = 0;
  };
  const stream = new Transform({
    highWaterMark: bufferedBytes,
    transform: (chunk: Buffer, _encoding, next) => {
      for (const whole of chunks.take(chunk)) seal(whole, false);
      doneWith(chunk);
      next();
    },
    flush: (next) => {
      seal(chunks.rest(), true);
      next();
    },
  });
  stream.push(Buffer.concat([header, nonce]));
  return stream;
}

/**
 * Back to the plain bytes with one of these identities (`AGE-SECRET-KEY-1...`). Nothing is given out before its chunk was found
 * genuine, and an end only after the chunk that was marked as the last.
 */
export function decryptor(identities: readonly string[], what: string): Transform {
  let open: ReturnType<typeof opener> | undefined;
  let head: Buffer = nothing;
  const chunks = cutter(sealedBytes);

  /** Returns what follows the header, once all of that is there. */
  const begin = async (chunk: Buffer): Promise<Buffer> => {
    head = Buffer.concat([head, chunk]);
    const end = headerEnd(head, what);
    if (end === null || head.length < end + nonceBytes) return nothing;
    const fileKey = await openHeader(head.subarray(0, end), identities, what);
    open = opener(payloadKey(fileKey, head.subarray(end, end + nonceBytes)), what);
    return head.subarray(end + nonceBytes);
  };

  const take = (content: Buffer) => {
    for (const whole of chunks.take(content)) if (open) stream.push(open(whole, false));
  };

  const stream = new Transform({
    highWaterMark: bufferedBytes,
    transform: (chunk: Buffer, _encoding, next) => {
      const go = (content: Buffer) => {
        try {
          take(content);
        } catch (error) {
          return next(toHoldfastError(error));
        }
        letGo(chunk);
        next();
      };
      if (open) go(chunk);
      else begin(chunk).then(go, (error: unknown) => next(toHoldfastError(error)));
    },
    flush: (next) => {
      let last: Buffer;
      try {
        if (!open) throw damaged(what, 'it ends before its content begins');
        last = open(chunks.rest(), true);
      } catch (error) {
        return next(toHoldfastError(error));
      }
      next(null, last);
    },
  });
  return stream;
}

/** Only where something is encrypted: it would make every command begin later. */
export function loadAge(): Promise<typeof import('age-encryption')> {
  return import('age-encryption');
}

/** The name a file has in age's own words: its first line. */
export const ageMagic = 'age-encryption.org/v1\n';

async function makeHeader(recipients: readonly string[]): Promise<{ header: Buffer; fileKey: Buffer }> {
  let fileKey: Buffer = nothing;
  const { Encrypter } = await loadAge();
  const encrypter = new Encrypter();
  // It wraps nothing, and only takes note of the key that the others wrap.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Buffer.from(key);
      return [];
    },
  });
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const empty = await encrypter.encrypt(new Uint8Array(0));
  return { header: Buffer.from(empty).subarray(0, -(nonceBytes + tagBytes)), fileKey };
}

async function openHeader(header: Buffer, identities: readonly string[], what: string): Promise<Uint8Array> {
  const { Decrypter } = await loadAge();
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    if (!/no identity matched/.test(toHoldfastError(error).message)) {
      throw damaged(what, 'its header is not as it was written', error);
    }
    throw new HoldfastError('KEY_WRONG', `${what} is not encrypted for the key it is said to be`, {
      kind: 'integrity',
      cause: error,
      hint: 'It was encrypted for another key, or its first bytes are damaged: `holdfast verify` tells which.',
    });
  }
}

/** Where the header ends, null when that is not there yet. */
function headerEnd(content: Buffer, what: string): number | null {
  const magic = content.subarray(0, ageMagic.length).toString('latin1');
  if (!ageMagic.startsWith(magic)) throw damaged(what, 'it is not an age file');
  const last = content.indexOf('\n--- ');
  const end = last < 0 ? -1 : content.indexOf('\n', last + 1);
  if (end >= 0) return end + 1;
  if (content.length > longestHeader) throw damaged(what, 'its header has no end');
  return null;
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/** STREAM: a counter of 11 bytes, and a last byte that is 1 for the last chunk. */
function counter(): (last: boolean) => Buffer {
  let count = 0;
  return (last) => {
    const nonce = Buffer.alloc(12);
    nonce.writeUIntBE(count, 5, 6);
    nonce[11] = last ? 1 : 0;
    count += 1;
    return nonce;
  };
}

/** Returns how much it has written. */
function sealer(key: Buffer): (content: Buffer, last: boolean, into: Buffer) => number {
  const nonce = counter();
  return (content, last, into) => {
    const cipher = createCipheriv('chacha20-poly1305', key, nonce(last), { authTagLength: tagBytes });
    const sealed = cipher.update(content);
    cipher.final();
    const bytes = sealed.copy(into) + cipher.getAuthTag().copy(into, sealed.length);
    markPassing(sealed);
    letGo(sealed);
    return bytes;
  };
}

function opener(key: Buffer, what: string): (sealed: Buffer, last: boolean) => Buffer {
  const nonce = counter();
  let first = true;
  return (sealed, last) => {
    if (sealed.length < tagBytes) throw damaged(what, 'it is cut off');
    if (last && !first && sealed.length === tagBytes) throw damaged(what, 'its last chunk is empty');
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce(last), { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    const content = decipher.update(sealed.subarray(0, -tagBytes));
    markPassing(content);
    try {
      decipher.final();
    } catch (cause) {
      throw damaged(what, last ? 'it is cut off, or its end was changed' : 'its bytes were changed', cause);
    }
    first = false;
    return content;
  };
}

/**
 * Cuts a stream into chunks of one size. The last one is told apart and must not be empty, so that a full one waits until something
 * follows it.
 */
function cutter(size: number): { take(content: Buffer): Iterable<Buffer>; rest(): Buffer } {
  const held = Buffer.allocUnsafeSlow(size);
  let used = 0;
  return {
    *take(content) {
      let at = 0;
      while (content.length - at > size - used) {
        if (used === 0) {
          yield content.subarray(at, at + size);
          at += size;
          continue;
        }
        const taken = content.copy(held, used, at, at + size - used);
        at += taken;
        used = 0;
        yield held;
      }
      used += content.copy(held, used, at);
    },
    rest: () => held.subarray(0, used),
  };
}

function damaged(what: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('ENCRYPTED_DAMAGED', `${what} is damaged: ${why}`, {
    kind: 'integrity',
    cause,
    hint: 'Use another copy or another backup.',
  });
}
