import type { Duplex, Transform, TransformCallback } from 'node:stream';
import { constants, createGunzip, createGzip, createZstdDecompress, type Gunzip } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';
import { throughProcess } from '../base/piped-program.ts';
import { letGo } from '../base/reuse.ts';
import { givingBack, marking } from '../base/giving-back.ts';
import { codecFacts, levelOf, type Codec, type Compression } from './codecs.ts';
import { zstdStream } from '../base/zstd-frames.ts';

/** Few, large pieces: every piece is a round trip to a thread. */
const chunkSize = 1024 * 1024;

const zstdReading = {
  chunkSize,
  // Without it, garbage after a frame is ignored in silence. Further frames are read all the same.
  rejectGarbageAfterEnd: true,
  // What was compressed elsewhere with `--long=30` wants a gigabyte of memory; the usual limit is an eighth of that.
  params: { [constants.ZSTD_d_windowLogMax]: 30 },
};

/** Null when there is nothing to do. */
export function compressor(compression: Compression, signal: AbortSignal): Duplex | null {
  const { codec } = compression;
  const level = levelOf(compression);
  switch (codec) {
    case 'none':
      return null;
    case 'gzip':
      return givingBack(createGzip({ level, chunkSize }));
    case 'zstd':
      return zstdStream(level);
    case 'bzip2':
      return program(codec, ['-z', '-c', `-${level}`], signal, explainMissing);
    case 'xz':
      // Two threads: each more would take another hundred megabytes.
      return program(codec, ['-z', '-c', '-T2', `-${level}`], signal, explainMissing);
    case 'lz4':
      throw new HoldfastError('COMPRESSION_UNSUPPORTED', 'lz4 is only there where the dump tool compresses by itself', {
        kind: 'usage',
        hint: 'Choose zstd, or the format custom or directory with client tools 16 or newer.',
      });
  }
}

/** Null when there is nothing to do. Fails on damage, on a cut, and on anything but padding after the end. */
export function decompressor(codec: Codec, signal: AbortSignal): Duplex | null {
  switch (codec) {
    case 'none':
      return null;
    case 'gzip':
      // By itself it refuses what follows a member, unless that is another member or a zero.
      return explained(toItsEnd(passing(createGunzip({ chunkSize }))), (error) => explainZlib(codec, error));
    case 'zstd':
      return explained(passing(createZstdDecompress(zstdReading)), (error) => explainZlib(codec, error));
    case 'bzip2':
      return program(codec, ['-d', '-c'], signal, explainDamage);
    case 'xz':
      // A file may ask for up to 4 GiB of memory; ours never need more than 65 MiB. As much as zstd may have.
      return program(codec, ['-d', '-c', '--memlimit-decompress=1GiB'], signal, explainDamage);
    case 'lz4':
      return program(codec, ['-d', '-c'], signal, explainDamage);
  }
}

type Explain = (codec: Codec, error: Error) => Error;

function program(codec: Codec, args: string[], signal: AbortSignal, explain: Explain): Duplex {
  // bzip2 ignores garbage after the end and says so, with status 0.
  const refuse = (stderr: string) =>
    stderr.includes('trailing garbage') ? damaged(codec, 'garbage after its end') : null;
  const stream = throughProcess({ program: codec, args, env: { LC_ALL: 'C' } }, { signal, refuse });
  return explained(stream, (error) => explain(codec, error));
}

/** What it has read is let go. */
function passing<Stage extends Transform>(stream: Stage): Stage {
  const transform = stream._transform.bind(stream);
  stream._transform = (chunk: Buffer, encoding, next) =>
    transform(chunk, encoding, (error, data) => {
      if (!error && !stream.destroyed) letGo(chunk);
      next(error, data);
    });
  return marking(stream);
}

/**
 * The library ends at the first zero behind a member and looks at nothing that follows: a hole in a file of several members would be taken for
 * its end, and what is read no further has no checksum either. Here only zeros may follow, and all is read.
 */
function toItsEnd(stream: Gunzip): Gunzip {
  const transform = stream._transform.bind(stream);
  const push = stream.push.bind(stream);
  let reading: { chunk: Buffer; before: number; next: TransformCallback } | null = null;
  let isPadding = false;
  const expectZeros = (rest: Buffer, next: TransformCallback) => {
    const isZero = rest.every((byte) => byte === 0);
    next(isZero ? null : damaged('gzip', 'zeros follow a member, and something else follows them'));
  };
  stream._transform = (chunk: Buffer, encoding, next) => {
    if (isPadding) return expectZeros(chunk, next);
    const now = { chunk, before: stream.bytesWritten, next };
    reading = now;
    transform(chunk, encoding, (error, data) => {
      if (reading !== now) return;
      reading = null;
      next(error, data);
    });
  };
  stream.push = (content: Buffer | null, encoding?: BufferEncoding) => {
    if (content !== null || reading === null) return push(content, encoding);
    // Its own end, in the middle of what it was given. Ours comes with that of what is above.
    const { chunk, before, next } = reading;
    reading = null;
    isPadding = true;
    expectZeros(chunk.subarray(stream.bytesWritten - before), next);
    return true;
  };
  return stream;
}

/** Translates the error a stream is destroyed with before anybody sees it. */
function explained(stream: Duplex, explain: (error: Error) => Error): Duplex {
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error) => destroy(error ? explain(error) : error);
  return stream;
}

function explainZlib(codec: Codec, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') return tooMuchMemory(codec, error);
  return /^(Z_|ZSTD_|ERR_TRAILING_JUNK)/.test(code ?? '') ? damaged(codec, lowerFirst(error.message), error) : error;
}

function explainDamage(codec: Codec, error: Error): Error {
  if (codec === 'xz' && error.message.includes('Memory usage limit')) return tooMuchMemory(codec, error);
  if (error instanceof HoldfastError && error.code === 'TOOL_FAILED') return damaged(codec, error.message, error);
  return explainMissing(codec, error);
}

function explainMissing(codec: Codec, error: Error): Error {
  if (!(error instanceof HoldfastError) || error.code !== 'TOOL_MISSING') return error;
  return new HoldfastError('COMPRESSOR_MISSING', `the program ${codec} is not installed`, {
    cause: error,
    hint: `Install it (Debian: apt install ${codecFacts[codec].package}), or use zstd or gzip, which need no program.`,
  });
}

function damaged(codec: Codec, why: string, cause?: Error): HoldfastError {
  return new HoldfastError('COMPRESSED_DAMAGED', `the ${codec} data is damaged: ${why}`, { kind: 'integrity', cause });
}

/** Not what anybody here wrote, and not damaged. */
function tooMuchMemory(codec: Codec, cause: Error): HoldfastError {
  return new HoldfastError('DECOMPRESSION_MEMORY', `the ${codec} data asks for more than 1 GiB of memory to be read`, {
    kind: 'refused',
    cause,
    hint: `Decompress it with ${codec} itself (\`zstd -d --long=31\`, \`xz -d\`) on a machine that has the memory, and use what comes out.`,
  });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
