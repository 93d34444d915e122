import { z } from 'zod';
import type { Codec, Compression, DumpSettings } from './engine.ts';
import { duration, flag, speed, text, wholeNumber } from './option-types.ts';

/** The levels of each codec, or null where it has none. */
const codecLevels: Readonly<Record<Codec, readonly [number, number] | null>> = {
  none: null,
  gzip: [1, 9],
  bzip2: [1, 9],
  xz: [0, 9],
  lz4: [1, 12],
  zstd: [1, 22],
};

const codecs = Object.keys(codecLevels) as Codec[];
const compressionForm = 'must be auto, none, or gzip, bzip2, xz, lz4 or zstd, with a level as in zstd:3';

export const compressionSchema = z
  .string({ error: compressionForm })
  .transform((input, context): 'auto' | Compression => {
    const problem = (message: string) => {
      context.issues.push({ code: 'custom', input, message });
      return z.NEVER;
    };
    if (input === 'auto') return 'auto';
    const match = /^([a-z0-9]+)(?::(\d{1,3}))?$/.exec(input);
    const codec = codecs.find((each) => each === match?.[1]);
    if (!match || !codec) return problem(compressionForm);
    if (match[2] === undefined) return { codec, level: null };
    const level = Number(match[2]);
    const range = codecLevels[codec];
    if (!range) return problem(`${codec} has no levels`);
    if (level < range[0] || level > range[1])
      return problem(`the level of ${codec} must be from ${range[0]} to ${range[1]}`);
    return { codec, level };
  });

const names = z.array(text).default([]);

export const dumpSchema = z
  .strictObject({
    format: z.enum(['auto', 'custom', 'directory', 'tar', 'plain', 'file']).default('auto'),
    compression: compressionSchema
      .prefault('auto')
      .meta({ description: 'auto, none, or a codec with or without a level: zstd:3' }),
    jobs: z
      .union([z.literal('auto'), wholeNumber(1, 64)], { error: 'must be auto, or a whole number from 1 to 64' })
      .prefault('auto'),
    timeout: z
      .union([z.literal('none'), duration], { error: 'must be none, or a duration such as 30m' })
      .prefault('none'),
    lockTimeout: duration.prefault('15s'),
    rowCounts: z.enum(['exact', 'none']).default('exact'),
    fingerprints: flag.prefault(false),
    limit: speed
      .nullable()
      .default(null)
      .meta({ description: 'Bytes per second read from the dump tool, such as 20mb; not for directory.' }),
    globals: z.union([z.literal('auto'), flag], { error: 'must be auto, true or false' }).prefault('auto'),
    exclude: z.strictObject({ tables: names, tableData: names }).prefault({}),
  })
  .superRefine((dump, context) => {
    for (const { path, message } of conflicts(dump)) context.addIssue({ code: 'custom', path, message });
  })
  .transform(({ timeout, lockTimeout, ...rest }): DumpSettings => {
    return { ...rest, timeoutMs: timeout === 'none' ? null : timeout, lockTimeoutMs: lockTimeout };
  });

/** What cannot be done together, whatever tools and server there are. */
function conflicts(
  dump: Pick<DumpSettings, 'format' | 'compression' | 'jobs' | 'rowCounts' | 'fingerprints' | 'limit'>,
): {
  path: string[];
  message: string;
}[] {
  const found: { path: string[]; message: string }[] = [];
  const codec = dump.compression === 'auto' ? null : dump.compression.codec;
  if (dump.format === 'directory' && (codec === 'bzip2' || codec === 'xz')) {
    found.push({
      path: ['compression'],
      message: `${codec} cannot compress the directory format; use gzip, zstd or lz4`,
    });
  }
  if ((dump.format === 'plain' || dump.format === 'tar') && codec === 'lz4') {
    found.push({ path: ['compression'], message: `lz4 is only for custom and directory; use zstd for ${dump.format}` });
  }
  if (typeof dump.jobs === 'number' && dump.jobs > 1 && dump.format !== 'directory' && dump.format !== 'auto') {
    found.push({
      path: ['jobs'],
      message: `only the directory format can be dumped by several jobs, not ${dump.format}`,
    });
  }
  if (dump.format === 'directory' && dump.limit !== null) {
    found.push({
      path: ['limit'],
      message: 'is not possible for the directory format, which the tool writes itself; use custom or auto',
    });
  }
  if (dump.fingerprints && dump.rowCounts === 'none') {
    found.push({ path: ['fingerprints'], message: 'needs rowCounts: exact' });
  }
  return found;
}
