import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import type { Duplex, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip, zstdCompress } from 'node:zlib';
import { fileSink } from '../../../base/file-sink.ts';
import { givingBack } from '../../../base/giving-back.ts';
import { giveBack } from '../../../base/reuse.ts';
import { zstdStream } from '../../../base/zstd-frames.ts';
import type { Compression } from '../../engine.ts';

/**
 * A compressor that takes a file of any size has a window of megabytes. Of thousands of tables that hold next to nothing, one after the other, these would
 * have to be collected every time a dozen was written.
 */
const smallBytes = 256 * 1024;

/** How the files of a directory are compressed. */
export interface FileCompression {
  compression: Compression | null;
  /** Others are compressed at the same time. */
  besides: boolean;
}

/** One file of a directory. What is written to it goes back where it came from (`reuse.ts`) once it is compressed. */
export class DumpFile {
  readonly #path: string;
  readonly #inside: FileCompression;
  /** As long as it may turn out to be a small one. */
  readonly #small: Buffer[] = [];
  #bytes = 0;
  #large: LargeFile | null = null;

  constructor(path: string, inside: FileCompression) {
    this.#path = path;
    this.#inside = inside;
  }

  async write(some: Buffer): Promise<void> {
    if (this.#large) return this.#large.write(some);
    this.#small.push(some);
    this.#bytes += some.length;
    if (this.#bytes <= smallBytes) return;
    this.#large = await openLarge(this.#path, this.#inside);
    for (const each of this.#small.splice(0)) await this.#large.write(each);
  }

  async end(): Promise<void> {
    if (this.#large) return this.#large.end();
    const content = Buffer.concat(this.#small);
    for (const each of this.#small.splice(0)) giveBack(each);
    await writeFile(this.#path, await compressed(content, this.#inside.compression));
  }

  /** Resolves when nobody writes it any more. */
  async abandon(): Promise<void> {
    await this.#large?.abandon();
  }
}

/** None where nothing is compressed. */
export function compressorOf({ compression, besides }: FileCompression): Duplex[] {
  if (compression?.codec === 'gzip') return [givingBack(createGzip({ level: levelOf(compression), chunkSize }))];
  if (compression?.codec !== 'zstd') return [];
  return [zstdStream(levelOf(compression), besides ? { lanes: 1 } : {})];
}

const chunkSize = 512 * 1024;

async function compressed(content: Buffer, compression: Compression | null): Promise<Buffer> {
  const small = { chunkSize: 16 * 1024 };
  if (compression?.codec === 'gzip') return await promisify(gzip)(content, { ...small, level: levelOf(compression) });
  if (compression?.codec !== 'zstd') return content;
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;
  const params = { [ZSTD_c_compressionLevel]: levelOf(compression), [ZSTD_c_checksumFlag]: 1 };
  return await promisify(zstdCompress)(content, { ...small, params, pledgedSrcSize: content.length });
}

function levelOf({ codec, level }: Compression): number {
  return level ?? (codec === 'gzip' ? 6 : 3);
}

interface LargeFile {
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
  abandon(): Promise<void>;
}

async function openLarge(path: string, inside: FileCompression): Promise<LargeFile> {
  const handle = await open(path, 'w');
  const target = fileSink(handle);
  const [compress] = compressorOf(inside);
  const entry: Writable = compress ?? target;
  const written = (compress ? pipeline(compress, target) : finished(target)).finally(() => handle.close());
  written.catch(() => undefined); // whoever waits for it next is told
  return {
    write: async (bytes) => {
      if (entry.write(bytes)) return;
      // A disk that is full ends the file, and then nothing drains any more.
      await Promise.race([once(entry, 'drain'), written]);
    },
    end: async () => {
      entry.end();
      await written;
    },
    abandon: async () => {
      entry.destroy();
      target.destroy();
      await written.catch(() => undefined);
    },
  };
}
