import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AppPart } from '../../src/apps/app.ts';

/** As a piece of a folder that may be stored once for several backups. */
export function partOf(content: string, number: number): AppPart {
  const bytes = Buffer.from(content.repeat(1000));
  return {
    kind: 'stream',
    role: 'files',
    name: `files/data/${String(number).padStart(8, '0')}.tar`,
    format: 'tar',
    compression: { codec: 'zstd', level: null },
    compressedByTool: null,
    shared: { rawBytes: bytes.length, digest: async () => createHash('sha256').update(bytes).digest('hex') },
    open: () => Readable.from([bytes], { objectMode: false }),
  };
}
