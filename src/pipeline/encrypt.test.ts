import { randomBytes } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { giveBack, lend, letGo, markPassing } from '../base/reuse.ts';
import { decryptor, encryptor } from './encrypt.ts';
import { through } from './pipeline.ts';

const { signal } = new AbortController();
const chunk = 65_536;
const sealed = chunk + 16;

let identity: string;
let recipient: string;
beforeAll(async () => {
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});

const sizes = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 5 * chunk, 5 * chunk + 7, 3_000_000];

describe('what is encrypted', () => {
  test.each(sizes)('B-17: comes back whole, here and in the library (%i bytes)', async (size) => {
    const content = randomBytes(size);
    const file = await encrypt(content);
    expect((await decrypt(file)).equals(content)).toBe(true);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    expect(Buffer.from(await decrypter.decrypt(file)).equals(content)).toBe(true);
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    expect((await decrypt(Buffer.from(await encrypter.encrypt(content)))).equals(content)).toBe(true);
  });

  test('does not depend on how it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3 * chunk),
        fc.array(fc.integer({ min: 1, max: 2 * chunk }), { minLength: 1, maxLength: 6 }),
        async (size, cuts) => {
          const content = randomBytes(size);
          const file = await run(cut(content, cuts), await encryptor([recipient]));
          const back = await run(cut(file, cuts), decryptor([identity], 'x'));
          expect(back.equals(content)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('what was read is let go, and what is read back can be', async () => {
    const content = Array.from({ length: 60 }, () => randomBytes(100_000));
    const expected = Buffer.concat(content);
    const returned: ArrayBuffer[] = [];
    for (const [at, piece] of content.entries()) {
      if (at % 2 === 0) markPassing(piece);
      else lend(piece, (memory) => void returned.push(memory));
    }
    const stored: Buffer[] = [];
    const taken = new Set<ArrayBufferLike>();
    const sealing = through(Readable.from(content, { objectMode: false }), [await encryptor([recipient])], signal);
    for await (const piece of sealing as AsyncIterable<Buffer>) {
      taken.add(piece.buffer);
      stored.push(ownCopy(piece));
      giveBack(piece);
    }
    expect(content.filter((_, at) => at % 2 === 0).every(({ buffer: memory }) => memory.byteLength === 0)).toBe(true);
    expect(returned.length).toBe(30);
    // Six megabytes, through the same few.
    expect(taken.size).toBeLessThan(5);

    for (const piece of stored) markPassing(piece);
    const back: Buffer[] = [];
    const opening = through(Readable.from(stored, { objectMode: false }), [decryptor([identity], 'x')], signal);
    for await (const piece of opening as AsyncIterable<Buffer>) {
      back.push(Buffer.from(piece));
      letGo(piece);
      expect(piece.length).toBe(0);
    }
    expect(stored.every(({ buffer: memory }) => memory.byteLength === 0)).toBe(true);
    expect(Buffer.concat(back).equals(expected)).toBe(true);
  });

  test('opens with each of several recipients, and two files of one content share nothing', async () => {
    const other = await generateX25519Identity();
    const both = [recipient, await identityToRecipient(other)];
    const content = Buffer.from('the same');
    const file = await run([content], await encryptor(both));
    expect(await decrypt(file)).toEqual(content);
    expect(await run([file], decryptor([other], 'x'))).toEqual(content);
    expect((await encrypt(content)).subarray(-24).equals((await encrypt(content)).subarray(-24))).toBe(false);
  });
});

describe('S4, S5, B-d6: damage', () => {
  test('one flipped bit anywhere is told, and nothing of a changed chunk is given out', async () => {
    const content = randomBytes(3 * chunk + 100);
    const file = await encrypt(content);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(file);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const { given, error } = await collect(changed);
        expect(error).toMatchObject({ kind: 'integrity', code: expect.stringMatching(/ENCRYPTED_DAMAGED|KEY_WRONG/) });
        expect(content.subarray(0, given.length).equals(given)).toBe(true);
        const start = file.length - 3 * sealed - 116;
        expect(given.length).toBeLessThanOrEqual(Math.max(0, Math.floor(((bit >> 3) - start) / sealed)) * chunk);
      }),
      { numRuns: 60 },
    );
  });

  test('a cut anywhere is told', async () => {
    const file = await encrypt(randomBytes(2 * chunk + 50));
    const start = file.length - 2 * sealed - 66;
    const borders = [0, 1, 10, start, start + sealed, start + 2 * sealed, file.length - 1, start + sealed - 16];
    for (const length of borders) expect((await collect(file.subarray(0, length))).error).toMatchObject(damaged);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), async (length) => {
        expect((await collect(file.subarray(0, length))).error).toMatchObject({ kind: 'integrity' });
      }),
      { numRuns: 40 },
    );
  });

  test('more at the end, and chunks in another order, are told', async () => {
    const file = await encrypt(randomBytes(4 * chunk));
    const start = file.length - 4 * sealed;
    const part = (n: number) => file.subarray(start + n * sealed, start + (n + 1) * sealed);
    const head = file.subarray(0, start);
    const wrong = [
      Buffer.concat([file, Buffer.from('x')]),
      Buffer.concat([file, part(3)]),
      Buffer.concat([file, randomBytes(16)]),
      Buffer.concat([head, part(1), part(0), part(2), part(3)]),
      Buffer.concat([head, part(0), part(2), part(3)]),
      Buffer.concat([head, part(0), part(0), part(1), part(2), part(3)]),
    ];
    for (const changed of wrong) expect((await collect(changed)).error).toMatchObject(damaged);
  });

  test('what is no age file is told at its first byte, and an empty one too', async () => {
    expect((await collect(Buffer.from('PGDMP'))).error).toMatchObject(damaged);
    expect((await collect(Buffer.alloc(0))).error).toMatchObject(damaged);
  });

  test('S26: another key is told apart from damage', async () => {
    const file = await encrypt(Buffer.from('secret'));
    const stranger = await generateX25519Identity();
    await expect(run([file], decryptor([stranger], 'x'))).rejects.toMatchObject({ code: 'KEY_WRONG' });
  });
});

const damaged = { code: 'ENCRYPTED_DAMAGED', kind: 'integrity' };

async function encrypt(content: Buffer): Promise<Buffer> {
  return run([content], await encryptor([recipient]));
}

function decrypt(file: Buffer): Promise<Buffer> {
  return run([file], decryptor([identity], 'database.dump.age'));
}

function run(pieces: Buffer[], stage: Transform): Promise<Buffer> {
  return buffer(through(Readable.from(pieces, { objectMode: false }), [stage], signal));
}

/** What a reader had got before it was told. */
async function collect(file: Buffer): Promise<{ given: Buffer; error: unknown }> {
  const given: Buffer[] = [];
  const content = through(
    Readable.from(cut(file, [10_000]), { objectMode: false }),
    [decryptor([identity], 'x')],
    signal,
  );
  try {
    for await (const piece of content as AsyncIterable<Buffer>) given.push(piece);
    return { given: Buffer.concat(given), error: null };
  } catch (error) {
    return { given: Buffer.concat(given), error };
  }
}

/** In memory that is nobody else's: small buffers share theirs. */
function ownCopy(content: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(content.length);
  content.copy(copy);
  return copy;
}

function cut(content: Buffer, lengths: number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, n = 0; at < content.length; n += 1) {
    const length = lengths[n % lengths.length] ?? 1;
    pieces.push(content.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
