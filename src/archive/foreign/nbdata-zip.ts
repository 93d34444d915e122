import { Readable, Transform } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  type Entry,
  type ZipFile,
} from 'yauzl';
import { HoldfastError } from '../../base/errors.ts';
import { through } from '../../pipeline/pipeline.ts';
import type { NbdataBytes } from './nbdata-bytes.ts';

export interface ZipMember {
  path: string;
  bytes: number;
  /** As it lies in the file. */
  packed: number;
  /** Why it must not be unpacked; null for what an honest program writes. */
  problem: string | null;
  /** Fails in the place of the end when its bytes are not those of its checksum. */
  open(signal: AbortSignal): Promise<Readable>;
}

/** The members of a ZIP, without its folders. Nothing is unpacked. */
export async function readZip(bytes: NbdataBytes, name: string): Promise<ZipMember[]> {
  try {
    const zip = await fromRandomAccessReaderPromise(readerOf(bytes), bytes.size, {
      lazyEntries: true,
      autoClose: false,
      // Names are checked here: a single odd one must not keep the database from being read.
      decodeStrings: false,
      validateEntrySizes: true,
    });
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    refuseOverlaps(entries, name);
    const seen = new Set<string>();
    return entries.flatMap((entry) => {
      const path = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true);
      if (path.endsWith('/')) return [];
      const problem = problemOf(path, entry) ?? (seen.has(path) ? 'the name appears twice' : null);
      seen.add(path);
      return [memberOf(zip, entry, { path, problem, name })];
    });
  } catch (error) {
    throw damaged(name, error);
  }
}

class RangeReader extends RandomAccessReader {
  readonly #bytes: NbdataBytes;

  constructor(bytes: NbdataBytes) {
    super();
    this.#bytes = bytes;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#bytes.read(start, end), { objectMode: false });
  }
}

function readerOf(bytes: NbdataBytes): RandomAccessReader {
  return new RangeReader(bytes);
}

function memberOf(
  zip: ZipFile,
  entry: Entry,
  { path, problem, name }: { path: string; problem: string | null; name: string },
): ZipMember {
  return {
    path,
    bytes: entry.uncompressedSize,
    packed: entry.compressedSize,
    problem,
    open: async (signal) => {
      try {
        const content = await zip.openReadStreamPromise(entry);
        const check = checksum(entry.crc32, `${path} in ${name}`);
        content.on('error', (error) => check.destroy(damaged(name, error)));
        return through(content, [check], signal);
      } catch (error) {
        throw damaged(name, error);
      }
    },
  };
}

function checksum(expected: number, what: string): Transform {
  let actual = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, next) => {
      actual = crc32(chunk, actual);
      next(null, chunk);
    },
    flush: (next) => {
      if (actual === expected) return next();
      next(
        new HoldfastError('NBDATA_DAMAGED', `${what} is damaged: its checksum differs`, {
          kind: 'integrity',
          hint: 'Use another copy of the file.',
        }),
      );
    },
  });
}

const kinds = 0o170000;
const regular = 0o100000;
const gigabyte = 1024 ** 3;
const honestGrowth = 200;

function problemOf(path: string, entry: Entry): string | null {
  const madeOnUnix = entry.versionMadeBy >> 8 === 3;
  const kind = madeOnUnix ? (entry.externalFileAttributes >>> 16) & kinds : 0;
  if (kind !== 0 && kind !== regular) return 'it is a link or a device, not a file';
  if (entry.isEncrypted()) return 'it is encrypted inside the archive, which NocoBase never does';
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) return 'it is compressed in an unknown way';
  if (entry.uncompressedSize > gigabyte && entry.uncompressedSize > honestGrowth * entry.compressedSize) {
    return `it would grow to ${Math.round(entry.uncompressedSize / Math.max(1, entry.compressedSize))} times its size`;
  }
  return problemOfPath(path);
}

/** Names of users' files may hold nearly anything, but not lead anywhere else. */
export function problemOfPath(path: string): string | null {
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) return 'its path is absolute';
  if (path.includes('\\')) return 'its path contains a backslash';
  if (/\p{Cc}/u.test(path) || !path.isWellFormed()) return 'its path contains control characters';
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') return 'its path leads out of the folder';
    if (Buffer.byteLength(segment) > 255) return 'its name is too long';
  }
  return null;
}

/** Members that share bytes are how a small file unpacks to thousands of times its size. */
function refuseOverlaps(entries: readonly Entry[], name: string): void {
  const inOrder = entries.toSorted(
    (left, right) => left.relativeOffsetOfLocalHeader - right.relativeOffsetOfLocalHeader,
  );
  let free = 0;
  for (const entry of inOrder) {
    if (entry.relativeOffsetOfLocalHeader < free) {
      throw new HoldfastError('NBDATA_HOSTILE', `${name} was not written by NocoBase: members of it overlap`, {
        kind: 'integrity',
        hint: 'Do not use this file.',
      });
    }
    // The header before the bytes has at least so many.
    free = entry.relativeOffsetOfLocalHeader + 30 + entry.fileNameLength + entry.compressedSize;
  }
}

function damaged(name: string, cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HoldfastError('NBDATA_DAMAGED', `${name} is damaged: ${why.charAt(0).toLowerCase()}${why.slice(1)}`, {
    kind: 'integrity',
    cause,
    hint: 'Use another copy of the file.',
  });
}
