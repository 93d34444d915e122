import { HoldfastError } from '../../../base/errors.ts';
import type { Codec, Compression, DumpFormat, DumpSettings } from '../../engine.ts';
import type { ToolCodec } from '../connect/tool-version.ts';

export interface FormatCircumstances {
  sizeBytes: number;
  /** Tables with rows. */
  tables: number;
  /** What `pg_dump --compress` can do, of `codecsFor`. */
  codecs: ReadonlySet<ToolCodec>;
  toolVersion: string;
  /** The tool runs in a container and cannot write into a folder of this machine. */
  container: boolean;
  /** The storage can take a folder written by the tool. */
  folders: boolean;
  cpus: number;
}

/** Those that the choice depends on: each question to the tool takes its time. */
export function codecsFor({ compression }: Pick<DumpSettings, 'compression'>): ToolCodec[] {
  const codec = compression === 'auto' ? 'zstd' : compression.codec;
  return codec === 'zstd' || codec === 'lz4' ? ['gzip', codec] : ['gzip'];
}

export type PostgresFormat = Exclude<DumpFormat, 'file'>;

export interface ChosenFormat {
  format: PostgresFormat;
  jobs: number;
  /** What the tool compresses with; null: nothing. */
  inTool: Compression | null;
  /** What the archive compresses with. */
  outside: Compression;
  /** Why this one, for the log. */
  reason: string;
}

/** Below it a directory of many small files costs more than its parallel jobs save; measured in docs/decisions. */
export const directoryFromBytes = 64 * 1024 * 1024;

/** Decides what `auto` leaves open and checks what was asked for against what there is. */
export function chooseFormat(
  wish: Pick<DumpSettings, 'format' | 'compression' | 'jobs'> & { limit?: DumpSettings['limit'] },
  at: FormatCircumstances,
): ChosenFormat {
  // A server has no file to save: the configuration refuses it, and what gets past that is decided here.
  const { format, reason } =
    wish.format === 'auto' || wish.format === 'file'
      ? autoFormat(wish, at)
      : { format: wish.format, reason: 'as configured' };
  if (format === 'directory') refuseImpossibleDirectory(at);
  const compression = wish.compression === 'auto' ? autoCompression(format, at) : withLevel(wish.compression);
  const inTool = toolCompresses(format, compression.codec, at) ? compression : null;
  return {
    format,
    jobs: format === 'directory' ? jobsFor(wish.jobs, at) : 1,
    inTool: inTool?.codec === 'none' ? null : inTool,
    outside: inTool ? { codec: 'none', level: null } : compression,
    reason,
  };
}

function autoFormat(
  wish: Pick<DumpSettings, 'compression' | 'jobs'> & { limit?: DumpSettings['limit'] },
  at: FormatCircumstances,
): { format: PostgresFormat; reason: string } {
  const custom = (reason: string) => ({ format: 'custom' as const, reason });
  const codec = wish.compression === 'auto' ? null : wish.compression.codec;
  if (at.container) return custom('the tool runs in a container and cannot write a folder here');
  if (typeof wish.limit === 'number') return custom('its speed is limited');
  if (!at.folders) return custom('its files would have to be written twice');
  if (codec === 'bzip2' || codec === 'xz') return custom(`${codec} cannot compress a directory`);
  if (codec === 'zstd' && !at.codecs.has('zstd'))
    return custom(`pg_dump ${at.toolVersion} cannot compress a directory with zstd`);
  if (wish.jobs === 1) return custom('one job was asked for');
  if (wish.jobs === 'auto' && at.sizeBytes < directoryFromBytes) return custom('the database is small');
  return {
    format: 'directory',
    reason: wish.jobs === 'auto' ? 'the database is large' : 'several jobs were asked for',
  };
}

function refuseImpossibleDirectory(at: FormatCircumstances): void {
  if (!at.container) return;
  throw new HoldfastError(
    'FORMAT_IMPOSSIBLE',
    'the format directory cannot be used: the client tools run in a container and cannot write into a folder of this machine',
    {
      kind: 'usage',
      hint: 'Set dump.format to auto or custom.',
    },
  );
}

/** Cheapest first: the tool itself with zstd, and where it has none, gzip for a directory and zstd outside for everything else. */
function autoCompression(format: DumpFormat, at: FormatCircumstances): Compression {
  if (format === 'directory' && !at.codecs.has('zstd')) return { codec: 'gzip', level: 1 };
  return { codec: 'zstd', level: 1 };
}

/** Levels written out, so that a manifest tells them. */
const usualLevels: Readonly<Record<Codec, number | null>> = { none: null, gzip: 6, bzip2: 9, xz: 6, lz4: 1, zstd: 3 };

function withLevel({ codec, level }: Compression): Compression {
  return { codec, level: level ?? usualLevels[codec] };
}

function toolCompresses(format: DumpFormat, codec: Codec, at: FormatCircumstances): boolean {
  if (codec === 'none') return true;
  if (codec === 'bzip2' || codec === 'xz') return false;
  if (format === 'plain' || format === 'tar') {
    if (codec !== 'lz4') return false;
    throw lacks(codec, at, `lz4 is only for the formats custom and directory`);
  }
  if (at.codecs.has(codec)) return true;
  if (codec === 'lz4' || format === 'directory')
    throw lacks(codec, at, `pg_dump ${at.toolVersion} cannot compress with ${codec}`);
  return false;
}

function lacks(codec: Codec, at: FormatCircumstances, message: string): HoldfastError {
  return new HoldfastError('TOOL_LACKS_FEATURE', message, {
    kind: 'usage',
    hint: 'Use PostgreSQL client tools of version 16 or newer, or set dump.compression to auto.',
    details: { codec, toolVersion: at.toolVersion },
  });
}

function jobsFor(jobs: DumpSettings['jobs'], at: FormatCircumstances): number {
  // Two even on one processor: one waits for the server while the other compresses. More than tables would be idle sessions.
  const wanted = jobs === 'auto' ? Math.min(8, Math.max(2, at.cpus)) : jobs;
  return Math.max(1, Math.min(wanted, at.tables));
}
