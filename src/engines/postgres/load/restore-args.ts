import { resolve } from 'node:path';
import type { DumpFormat, LoadOptions } from '../../engine.ts';

export type Tablespaces = 'keep' | 'none';

export interface RestoreShape {
  format: Exclude<DumpFormat, 'plain'>;
  owners: LoadOptions['owners'];
  /** `none`: everything lies in that of the database. */
  tablespaces?: Tablespaces;
  jobs: number;
  /** File with the entries to restore, one id a line. */
  list: string | null;
  /** What to read; null: standard input. */
  path: string | null;
  /** Print one transaction around everything instead of some inside. */
  singleTransaction?: boolean;
}

/** The arguments of a pg_restore that loads into a database; the connection is added elsewhere. */
export function restoreArgs(shape: RestoreShape): string[] {
  return [
    ...scriptArgs(shape),
    '--exit-on-error',
    ...(shape.jobs > 1 ? [`--jobs=${shape.jobs}`] : []),
    ...pathOf(shape),
  ];
}

/** The arguments of a pg_restore that prints the script it would run. */
export function scriptOnlyArgs(shape: Omit<RestoreShape, 'jobs'>): string[] {
  return [...scriptArgs(shape), '--file=-', ...pathOf(shape)];
}

/** The connection is added elsewhere; results go nowhere, `\\echo` still answers. `ON_ERROR_STOP` makes psql end with status 3 at the first error instead of going on. */
export const psqlArgs: readonly string[] = [
  '--no-psqlrc',
  '--quiet',
  '--set=ON_ERROR_STOP=1',
  '--output=/dev/null',
  '--file=-',
];

/** A directory is made for several workers; anything else comes as one stream unless jobs are asked for. */
export function chooseJobs(format: DumpFormat, wanted: number | null, processors: number): number {
  if (format !== 'custom' && format !== 'directory') return 1;
  if (wanted !== null) return wanted;
  return format === 'directory' ? Math.min(8, Math.max(2, processors)) : 1;
}

/** One id a line is all that pg_restore reads of its own listing. */
export function listFile(entries: readonly { id: number }[]): string {
  return entries.map(({ id }) => `${id};\n`).join('');
}

function scriptArgs({ format, owners, tablespaces, list, singleTransaction }: Omit<RestoreShape, 'jobs'>): string[] {
  return [
    `--format=${format}`,
    ...(owners === 'none' ? ['--no-owner', '--no-privileges'] : []),
    ...(tablespaces === 'none' ? ['--no-tablespaces'] : []),
    ...(singleTransaction ? ['--single-transaction'] : []),
    ...(list === null ? [] : [`--use-list=${list}`]),
  ];
}

function pathOf({ path }: Pick<RestoreShape, 'path'>): string[] {
  // Absolute: a relative one could begin with a dash, and `--` would end the options that are added later.
  return path === null ? [] : [resolve(path)];
}
