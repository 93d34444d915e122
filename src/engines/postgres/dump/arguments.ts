import type { Compression, DumpFormat } from '../../engine.ts';

export interface DumpCall {
  format: DumpFormat;
  jobs: number;
  /** Null: nothing is compressed by the tool. */
  compression: Compression | null;
  toolMajor: number;
  /** The exported snapshot everything is read in. */
  snapshot: string;
  lockTimeoutMs: number;
  /** The database's own: what a role or the database is set to read in must not decide what can be dumped. */
  encoding: string;
  /** Patterns of exact names, already matched: the tool's own matching never decides. */
  withoutTables: readonly string[];
  withoutRows: readonly string[];
  /** A standby has no content of unlogged tables. */
  standby: boolean;
  /** For the directory format. */
  folder: string | null;
}

/** The arguments of pg_dump, without the connection. Never `--enable-row-security`: it leaves rows out in silence. */
export function dumpArgs(call: DumpCall): string[] {
  return [
    `--format=${call.format}`,
    ...(call.format === 'custom' || call.format === 'directory' ? [`--compress=${compressArg(call)}`] : []),
    // Synced by whoever stores it, together with everything else.
    ...(call.folder === null ? [] : [`--file=${call.folder}`, '--no-sync']),
    ...(call.jobs > 1 ? [`--jobs=${call.jobs}`] : []),
    `--snapshot=${call.snapshot}`,
    `--lock-wait-timeout=${call.lockTimeoutMs}`,
    `--encoding=${call.encoding}`,
    ...(call.standby ? ['--no-unlogged-table-data'] : []),
    ...call.withoutTables.map((pattern) => `--exclude-table=${pattern}`),
    ...call.withoutRows.map((pattern) => `--exclude-table-data=${pattern}`),
  ];
}

/** Up to 15 only a level of gzip is understood; `0` means nothing in every version. */
function compressArg({ compression, toolMajor }: DumpCall): string {
  if (compression === null) return '0';
  if (toolMajor < 16) return String(compression.level ?? 6);
  return compression.level === null ? compression.codec : `${compression.codec}:${compression.level}`;
}

/** The arguments of pg_dumpall for roles and tablespaces, without the connection. */
export function globalsArgs(passwords: boolean, lockTimeoutMs: number): string[] {
  return ['--globals-only', `--lock-wait-timeout=${lockTimeoutMs}`, ...(passwords ? [] : ['--no-role-passwords'])];
}
