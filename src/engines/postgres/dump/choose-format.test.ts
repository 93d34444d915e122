import { describe, expect, test } from 'vitest';
import { chooseFormat, directoryFromBytes, type FormatCircumstances } from './choose-format.ts';
import { compressionSchema } from '../../dump-options.ts';
import type { DumpSettings } from '../../engine.ts';

const large = directoryFromBytes;
const at15: FormatCircumstances = {
  sizeBytes: large,
  tables: 20,
  codecs: new Set(['gzip']),
  toolVersion: '15.18',
  container: false,
  folders: true,
  cpus: 2,
};
const at18: FormatCircumstances = { ...at15, codecs: new Set(['gzip', 'lz4', 'zstd']), toolVersion: '18.6' };

function choose(
  format: DumpSettings['format'],
  compression: string,
  at: FormatCircumstances,
  jobs: DumpSettings['jobs'] = 'auto',
) {
  const chosen = chooseFormat({ format, compression: compressionSchema.parse(compression), jobs }, at);
  const show = (value: { codec: string; level: number | null } | null) =>
    value ? `${value.codec}${value.level === null ? '' : `:${value.level}`}` : '-';
  return `${chosen.format} j${chosen.jobs} tool=${show(chosen.inTool)} outside=${show(chosen.outside)}`;
}

describe('the format of a dump', () => {
  test.each([
    ['auto', 'auto', at18, 'directory j2 tool=zstd:1 outside=none'],
    ['auto', 'auto', at15, 'directory j2 tool=gzip:1 outside=none'],
    ['auto', 'auto', { ...at18, sizeBytes: large - 1 }, 'custom j1 tool=zstd:1 outside=none'],
    ['auto', 'auto', { ...at15, sizeBytes: large - 1 }, 'custom j1 tool=- outside=zstd:1'],
    ['auto', 'auto', { ...at18, folders: false }, 'custom j1 tool=zstd:1 outside=none'],
    ['auto', 'auto', { ...at18, container: true }, 'custom j1 tool=zstd:1 outside=none'],
    ['auto', 'xz', at18, 'custom j1 tool=- outside=xz:6'],
    ['auto', 'bzip2:3', at15, 'custom j1 tool=- outside=bzip2:3'],
    ['auto', 'zstd:5', at15, 'custom j1 tool=- outside=zstd:5'],
    ['auto', 'none', at15, 'directory j2 tool=- outside=none'],
    ['custom', 'gzip', at15, 'custom j1 tool=gzip:6 outside=none'],
    ['custom', 'zstd', at15, 'custom j1 tool=- outside=zstd:3'],
    ['custom', 'zstd', at18, 'custom j1 tool=zstd:3 outside=none'],
    ['custom', 'none', at18, 'custom j1 tool=- outside=none'],
    ['custom', 'lz4', at18, 'custom j1 tool=lz4:1 outside=none'],
    ['directory', 'gzip:9', at15, 'directory j2 tool=gzip:9 outside=none'],
    ['tar', 'auto', at18, 'tar j1 tool=- outside=zstd:1'],
    ['plain', 'gzip', at18, 'plain j1 tool=- outside=gzip:6'],
    ['plain', 'none', at15, 'plain j1 tool=- outside=none'],
  ] as const)('%s with %s', (format, compression, at, expected) =>
    expect(choose(format, compression, at)).toBe(expected),
  );

  test('jobs: two at least, eight at most by itself, never more than tables', () => {
    expect(choose('directory', 'auto', { ...at18, cpus: 1 })).toContain(' j2 ');
    expect(choose('directory', 'auto', { ...at18, cpus: 32 })).toContain(' j8 ');
    expect(choose('directory', 'auto', { ...at18, tables: 1 })).toContain(' j1 ');
    expect(choose('directory', 'auto', { ...at18, tables: 0 })).toContain(' j1 ');
    expect(choose('directory', 'auto', { ...at18, tables: 500 }, 16)).toContain(' j16 ');
    expect(choose('auto', 'auto', { ...at18, sizeBytes: 1 }, 4)).toContain('directory j4');
    expect(choose('auto', 'auto', at18, 1)).toContain('custom j1');
  });

  test.each([
    ['directory', 'auto', { ...at18, container: true }, 'FORMAT_IMPOSSIBLE'],
    ['directory', 'zstd', at15, 'TOOL_LACKS_FEATURE'],
    ['custom', 'lz4', at15, 'TOOL_LACKS_FEATURE'],
    ['auto', 'lz4', at15, 'TOOL_LACKS_FEATURE'],
  ] as const)('%s with %s is refused with %3$s', (format, compression, at, code) => {
    expect(() => choose(format, compression, at)).toThrow(expect.objectContaining({ code, kind: 'usage' }));
  });
});
