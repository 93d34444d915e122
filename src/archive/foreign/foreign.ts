import { createReadStream, createWriteStream } from 'node:fs';
import { open, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../base/errors.ts';
import { makeScratchFolder } from '../../base/scratch.ts';
import type { Database, DumpFormat, StoredDump } from '../../engines/engine.ts';
import type { Codec } from '../../pipeline/codecs.ts';
import { decompressor } from '../../pipeline/compress.ts';
import { expectDigest, type Digest } from '../../pipeline/digest.ts';
import { through } from '../../pipeline/pipeline.ts';

export interface ForeignDump {
  path: string;
  scratch: string;
  /** The engine's word on the first decompressed bytes. */
  recognise: Recognise;
  /** What the file must still be, when somebody has already looked at it. */
  expected?: Digest;
  signal: AbortSignal;
}

export type Recognise = Database['recognise'];

const headBytes = 4096;

/** A dump that Holdfast did not make, told by its content and never by its name: custom, tar, plain or directory, compressed outside or not. */
export async function openForeignDump(foreign: ForeignDump): Promise<StoredDump> {
  const { path, scratch, recognise, expected, signal } = foreign;
  const facts = await stat(path).catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_FOUND', `there is no file ${path}`, { kind: 'usage', cause });
  });
  if (facts.isDirectory()) return openFolder(path);
  const codec = await outerCodec(path);
  const openContent = async (until: AbortSignal): Promise<Readable> =>
    through(
      createReadStream(path, { highWaterMark: 1024 * 1024 }),
      [expected === undefined ? null : expectDigest(expected, path), decompressor(codec, until)],
      until,
    );
  const verdict = recognise(await readHead(await openContent(signal)));
  const streamed = foreignStream({ format: judge(path, verdict), scratch, open: openContent });
  if (codec !== 'none') return streamed;
  await expectComplete(path, verdict);
  return { ...streamed, locally: async () => ({ path, [Symbol.asyncDispose]: async () => undefined }) };
}

/** A dump that can only be read from its beginning to its end; laid out in a scratch folder for a tool that must seek. */
function foreignStream({ format, scratch, open: openContent }: Streamed): StoredDump {
  return {
    format,
    trusted: false,
    rawBytes: null,
    open: openContent,
    locally: async (until) => {
      const folder = await makeScratchFolder(scratch, 'foreign-');
      const staged = join(folder, 'dump');
      const remove = () => rm(folder, { recursive: true, force: true });
      try {
        await pipeline(await openContent(until), createWriteStream(staged, { mode: 0o600 }));
      } catch (error) {
        await remove();
        throw error;
      }
      return { path: staged, [Symbol.asyncDispose]: remove };
    },
  };
}

interface Streamed {
  format: DumpFormat;
  scratch: string;
  open: (signal: AbortSignal) => Promise<Readable>;
}

/** The same, of something that is not a file by itself. */
export async function openForeignStream(
  title: string,
  foreign: { scratch: string; recognise: Recognise; open: Streamed['open']; signal: AbortSignal },
): Promise<StoredDump> {
  const { scratch, recognise, open: openContent, signal } = foreign;
  return foreignStream({
    format: judge(title, recognise(await readHead(await openContent(signal)))),
    scratch,
    open: openContent,
  });
}

async function openFolder(path: string): Promise<StoredDump> {
  await stat(join(path, 'toc.dat')).catch((cause: unknown) => {
    throw notADump(path, 'the folder has no toc.dat', cause);
  });
  return {
    format: 'directory',
    trusted: false,
    rawBytes: null,
    open: () => Promise.reject(new HoldfastError('UNEXPECTED', 'a directory dump is not one stream')),
    locally: async () => ({ path, [Symbol.asyncDispose]: async () => undefined }),
  };
}

/** Of a copy that was compressed, nothing beside it is known to be its own. */
async function expectComplete(path: string, verdict: ReturnType<Recognise>): Promise<void> {
  if (verdict === null || 'refused' in verdict) return;
  // Beside the file itself, not beside a link to it.
  const real = await realpath(path);
  for (const { ending, starts, hint } of verdict.rest ?? []) {
    if (!(await startsWith(real + ending, Buffer.from(starts, 'hex')))) continue;
    throw new HoldfastError('FILE_INCOMPLETE', `${path} is not complete: a part of it is in ${real}${ending}`, {
      kind: 'integrity',
      hint,
    });
  }
}

async function startsWith(path: string, start: Buffer): Promise<boolean> {
  if (!(await stat(path).catch(() => null))?.isFile()) return false;
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(start.length), 0, start.length, 0);
  return bytesRead === start.length && buffer.equals(start);
}

function judge(path: string, verdict: ReturnType<Recognise>): DumpFormat {
  if (verdict === null) throw notADump(path, 'nothing in it looks like one');
  if ('refused' in verdict) throw notADump(path, verdict.refused);
  return verdict.format;
}

function notADump(path: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('NOT_A_DUMP', `${path} is not a dump that can be restored: ${why}`, {
    kind: 'integrity',
    cause,
    hint: path.endsWith('.nbdata')
      ? 'Backups of NocoBase are taken in with `holdfast import`, and then restored.'
      : 'Give what was made of such a database: a file or a directory of pg_dump, a script of mariadb-dump or mysqldump, an SQLite database; files also compressed with gzip, bzip2, xz, zstd or lz4.',
  });
}

const magics: readonly [Codec, Buffer][] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['bzip2', Buffer.from('BZh')],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['lz4', Buffer.from([0x04, 0x22, 0x4d, 0x18])],
];

async function outerCodec(path: string): Promise<Codec> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  const head = buffer.subarray(0, bytesRead);
  return magics.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0] ?? 'none';
}

async function readHead(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= headBytes) break; // leaving the loop destroys the stream
  }
  return Buffer.concat(chunks).subarray(0, headBytes);
}
