import { parseBackupId } from '../../base/ids.ts';
import type { ListedBackup } from '../../care/stock/listing.ts';
import { liveName, type Source } from '../../care/source.ts';

/** `backup_shop_20260129_143022.sql.gz`; the second of the same second ends in `_2`. All times are UTC. */
export function fileNameOf(source: Source, { id }: Pick<ListedBackup, 'id'>): string {
  const { ordinal } = parseBackupId(id) ?? { ordinal: 1 };
  return `backup_${liveName(source)}_${timestampOf(id)}${ordinal === 1 ? '' : `_${ordinal}`}.sql.gz`;
}

export function describeFile(source: Source, backup: ListedBackup) {
  const { id, bytes, createdAt, description } = backup;
  return {
    filename: fileNameOf(source, backup),
    timestamp: timestampOf(id),
    // Six digits and no zone, as Python writes it.
    created_at: createdAt.replace(/Z$/, '000'),
    database: liveName(source),
    size_bytes: bytes,
    size_mb: inMegabytes(bytes),
    description,
    compressed: true,
  };
}

export function inMegabytes(bytes: number): number {
  return Math.round((bytes / 1024 / 1024) * 100) / 100;
}

function timestampOf(id: string): string {
  return id.slice(0, 19).replaceAll('-', '');
}
