import { HoldfastError } from '../../../base/errors.ts';
import type { Codec, Compression, DumpSettings } from '../../engine.ts';

export interface FormatCircumstances {
  sizeBytes: number;
  /** Tables with rows. */
  tables: number;
  /** The place of storing can take a folder. */
  folders: boolean;
  /** Several sessions can be given the same moment. */
  locks: boolean;
  /** What the tool can do in a directory only, and is wanted; null: nothing. */
  splits: string | null;
  cpus: number;
}

export interface ChosenFormat {
  format: 'plain' | 'directory';
  jobs: number;
  /** What we compress the files of a directory with; null: nothing. */
  inside: Compression | null;
  /** What the archive compresses a plain dump with. */
  outside: Compression;
  /** Why this one, for the log. */
  reason: string;
}

/** Below it a directory of many small files costs more than its parallel jobs save. */
export const directoryFromBytes = 64 * 1024 * 1024;
/** Each is an argument of a program. */
const mostTables = 10_000;

/** Decides what `auto` leaves open and checks what was asked for against what there is. */
export function chooseFormat(
  wish: Pick<DumpSettings, 'format' | 'compression' | 'jobs' | 'limit'>,
  at: FormatCircumstances,
): ChosenFormat {
  const { format, reason } = formatOf(wish, at);
  const compression = withLevel(wish.compression === 'auto' ? { codec: 'zstd', level: 1 } : wish.compression);
  if (format === 'plain') return { format, jobs: 1, inside: null, outside: compression, reason };
  if (compression.codec !== 'none' && compression.codec !== 'zstd' && compression.codec !== 'gzip') {
    throw impossible(
      `${compression.codec} cannot compress the directory format`,
      'Use zstd or gzip, or format: plain.',
    );
  }
  if (at.tables > mostTables)
    throw impossible(`a directory holds ${mostTables} tables at most`, 'Set dump.format to plain.');
  const wanted = wish.jobs === 'auto' ? Math.min(8, Math.max(2, at.cpus)) : wish.jobs;
  return {
    format,
    // Sessions that cannot be given one moment would each see another one.
    jobs: at.locks ? Math.max(1, Math.min(wanted, at.tables)) : 1,
    inside: compression.codec === 'none' ? null : compression,
    outside: { codec: 'none', level: null },
    reason,
  };
}

function formatOf(
  wish: Pick<DumpSettings, 'format' | 'compression' | 'jobs' | 'limit'>,
  at: FormatCircumstances,
): { format: ChosenFormat['format']; reason: string } {
  const plain = (reason: string) => ({ format: 'plain' as const, reason });
  const codec = wish.compression === 'auto' ? 'zstd' : wish.compression.codec;
  if (wish.format === 'plain' || wish.format === 'directory') return { format: wish.format, reason: 'as configured' };
  if (wish.format !== 'auto') {
    throw impossible(
      `there is no format ${wish.format} for MySQL and MariaDB`,
      'Set dump.format to auto, plain or directory.',
    );
  }
  if (typeof wish.limit === 'number') return plain('its speed is limited');
  if (at.splits !== null) return { format: 'directory', reason: at.splits };
  if (!at.folders) return plain('its files would have to be written twice');
  if (!at.locks) return plain('only one session can have the snapshot');
  if (codec === 'bzip2' || codec === 'xz' || codec === 'lz4') return plain(`${codec} cannot compress a directory`);
  if (wish.jobs === 1) return plain('one job was asked for');
  if (at.tables > mostTables) return plain('there are too many tables');
  if (wish.jobs === 'auto' && at.sizeBytes < directoryFromBytes) return plain('the database is small');
  return {
    format: 'directory',
    reason: wish.jobs === 'auto' ? 'the database is large' : 'several jobs were asked for',
  };
}

/** Levels written out, so that a manifest tells them. */
const usualLevels: Readonly<Record<Codec, number | null>> = { none: null, gzip: 6, bzip2: 9, xz: 6, lz4: 1, zstd: 3 };

function withLevel({ codec, level }: Compression): Compression {
  return { codec, level: level ?? usualLevels[codec] };
}

function impossible(message: string, hint: string): HoldfastError {
  return new HoldfastError('FORMAT_IMPOSSIBLE', message, { kind: 'usage', hint });
}
