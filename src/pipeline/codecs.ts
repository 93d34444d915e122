import { HoldfastError } from '../base/errors.ts';

export type Codec = 'none' | 'gzip' | 'bzip2' | 'xz' | 'lz4' | 'zstd';

export interface Compression {
  codec: Codec;
  /** Null means the codec's own default. */
  level: number | null;
}

export interface CodecFacts {
  extension: string;
  levels: { lowest: number; highest: number; usual: number };
  /** The Debian package of the program it needs, or null where this program brings it. */
  package: string | null;
}

/** zstd above 19 and gzip below 1 exist, but cost more memory than a backup may, or compress nothing. */
export const codecFacts: Readonly<Record<Codec, CodecFacts>> = {
  none: { extension: '', levels: { lowest: 0, highest: 0, usual: 0 }, package: null },
  gzip: { extension: '.gz', levels: { lowest: 1, highest: 9, usual: 6 }, package: null },
  bzip2: { extension: '.bz2', levels: { lowest: 1, highest: 9, usual: 9 }, package: 'bzip2' },
  xz: { extension: '.xz', levels: { lowest: 0, highest: 9, usual: 6 }, package: 'xz-utils' },
  lz4: { extension: '.lz4', levels: { lowest: 1, highest: 12, usual: 1 }, package: 'lz4' },
  zstd: { extension: '.zst', levels: { lowest: 1, highest: 19, usual: 3 }, package: null },
};

/** The level to work with; refuses one the codec does not have. */
export function levelOf({ codec, level }: Compression): number {
  const { lowest, highest, usual } = codecFacts[codec].levels;
  if (level === null) return usual;
  if (Number.isInteger(level) && level >= lowest && level <= highest) return level;
  throw new HoldfastError('COMPRESSION_INVALID', `${codec} has no level ${level}`, {
    kind: 'usage',
    hint: codec === 'none' ? 'Leave the level out.' : `Choose a level from ${lowest} to ${highest}.`,
  });
}

/** `zstd:3`, as in manifests; null when nothing is compressed. */
export function compressionText(compression: Compression): string | null {
  return compression.codec === 'none' ? null : `${compression.codec}:${levelOf(compression)}`;
}

/** Reads `zstd:3` and `zstd`; null when it is neither. */
export function parseCompression(text: string): Compression | null {
  const [codec = '', level, ...rest] = text.split(':');
  if (!isCodec(codec) || rest.length > 0) return null;
  if (level === undefined) return { codec, level: null };
  return /^\d{1,2}$/.test(level) ? { codec, level: Number(level) } : null;
}

function isCodec(text: string): text is Codec {
  return Object.hasOwn(codecFacts, text);
}
