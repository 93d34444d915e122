import type { BackupResult } from '../../backup/backup.ts';
import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import type { Io } from '../command.ts';
import { renderFacts } from './facts.ts';
import { styleFor } from './style.ts';
import { plural } from './text.ts';

export function describeBackup(io: Pick<Io, 'color' | 'columns' | 'terminal'>, result: BackupResult): string[] {
  const style = styleFor(io.color);
  const whole = Object.values(result.copies).every((state) => state === 'complete');
  const headline =
    result.state === 'succeeded' && whole ? style.good('backup complete') : style.warn(`backup ${result.state}`);
  const copies = Object.entries(result.copies).map(([storage, state]) =>
    state === 'complete' ? storage : `${storage} (${state})`,
  );
  return [
    `${headline}  ${style.bold(result.id)}  of ${result.source}`,
    ...renderFacts(
      io,
      [
        ['holds', describeContents(result)],
        ['missing', result.failed.map(({ part, message }) => `${part}: ${message}`).join('; ')],
        ['size', describeSize(result)],
        ['time', describeTime(result)],
        ['stored in', copies.join(', ')],
        ['retention', result.removed.length > 0 ? `removed ${result.removed.join(', ')}` : null],
        ['restore', `holdfast restore ${result.id}`],
      ],
      '  ',
    ),
  ];
}

function describeContents({ artifacts, tables, rows }: BackupResult): string {
  const has = (wanted: string) => artifacts.some(({ role }) => role === wanted);
  // `files/<name>.tar.zst`, or a folder of them.
  const folders = new Set(artifacts.filter(({ role }) => role === 'files').map(({ path }) => path.split('/')[1])).size;
  return [
    has('database') ? `${plural(tables, 'table')}, ${formatCount(rows, 'row')}` : null,
    folders > 0 ? plural(folders, 'folder') : null,
    has('app') ? 'the application' : null,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

function describeSize({ bytes, addedBytes, rawBytes }: BackupResult): string {
  // Known only for what was compressed here: the dump tool does not tell what it began with.
  const size =
    rawBytes === null || rawBytes < bytes
      ? formatBytes(bytes)
      : `${formatBytes(bytes)}, compressed from ${formatBytes(rawBytes)}`;
  return addedBytes < bytes ? `${size}; ${formatBytes(addedBytes)} of it new, the rest was stored already` : size;
}

function describeTime({ durationMs, verifyMs }: BackupResult): string {
  // What was imported was restored before it was stored, and not read back.
  return verifyMs > 0
    ? `${formatDuration(durationMs)}, then ${formatDuration(verifyMs)} to read it back`
    : formatDuration(durationMs);
}
