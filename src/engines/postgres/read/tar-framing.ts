import { HoldfastError } from '../../../base/errors.ts';

const block = 512;

/**
 * Passes a tar through and fails at its end when that is not the end of a tar. pg_restore reads on forever in one that was cut off inside a
 * member, and answers 0 for one that lacks its last members.
 */
export async function* wholeTar(tar: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let header = Buffer.alloc(0);
  let skip = 0;
  let ended = false;
  for await (const chunk of tar) {
    for (let at = 0; at < chunk.length && !ended;) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - at);
        skip -= step;
        at += step;
        continue;
      }
      const part = chunk.subarray(at, at + block - header.length);
      header = Buffer.concat([header, part]);
      at += part.length;
      if (header.length < block) break;
      const bytes = contentLength(header);
      if (bytes === null) ended = true;
      else skip = Math.ceil(bytes / block) * block;
      header = Buffer.alloc(0);
    }
    yield chunk;
  }
  if (!ended) throw damaged('it ends before the end of the archive');
}

/** Null for the empty block after the last member. */
function contentLength(header: Buffer): number | null {
  if (header.every((byte) => byte === 0)) return null;
  const stated = octal(header.subarray(148, 156));
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  if (sum !== stated) throw damaged('the header of a member is wrong');
  const size = header.subarray(124, 136);
  // Beyond 8 GiB the number is binary, told by its first bit.
  return size[0] === 0x80 ? Number(size.readBigUInt64BE(4)) : octal(size);
}

function octal(field: Buffer): number {
  return Number.parseInt(field.toString('latin1').replaceAll('\0', ' ').trim() || '0', 8);
}

function damaged(reason: string): HoldfastError {
  return new HoldfastError('DUMP_DAMAGED', `the dump cannot be read to its end: ${reason}`, {
    kind: 'integrity',
    hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
  });
}
