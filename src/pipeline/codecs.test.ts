import { describe, expect, test } from 'vitest';
import { compressionText, levelOf, parseCompression, type Codec } from './codecs.ts';

describe('compression', () => {
  test.each<[Codec, number | null, string | null]>([
    ['none', null, null],
    ['zstd', 1, 'zstd:1'],
    ['zstd', null, 'zstd:3'],
    ['gzip', null, 'gzip:6'],
    ['xz', 0, 'xz:0'],
  ])('%s %s is written %s and read back', (codec, level, text) => {
    expect(compressionText({ codec, level })).toBe(text);
    if (text !== null) expect(parseCompression(text)).toEqual({ codec, level: levelOf({ codec, level }) });
  });

  test.each<[Codec, number]>([
    ['zstd', 0],
    ['zstd', 20],
    ['zstd', 2.5],
    ['gzip', 0],
    ['gzip', 10],
    ['bzip2', 0],
    ['xz', 10],
    ['lz4', Number.NaN],
    ['none', 3],
  ])('%s has no level %s', (codec, level) => {
    expect(() => levelOf({ codec, level })).toThrow(
      expect.objectContaining({ code: 'COMPRESSION_INVALID', kind: 'usage' }),
    );
  });

  test.each(['', 'brotli', 'zstd:', 'zstd:x', 'zstd:3:4', 'zstd:-1', 'toString', 'ZSTD'])(
    '%j is no compression',
    (text) => {
      expect(parseCompression(text)).toBeNull();
    },
  );
});
