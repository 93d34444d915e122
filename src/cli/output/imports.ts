import type { ImportItem } from '../../backup/import-all.ts';
import { withoutSecrets } from '../../base/secret.ts';
import { formatBytes } from '../../base/units.ts';
import type { Io } from '../command.ts';
import { errorAsJson } from './error.ts';
import { styleFor } from './style.ts';
import { renderTable } from './table.ts';
import { plural, printable } from './text.ts';
import { formatTime } from './time.ts';

export function importsAsJson(items: readonly ImportItem[], unrecognised: readonly string[], dryRun: boolean) {
  const count = (state: ImportItem['state']) => items.filter((item) => item.state === state).length;
  return {
    dryRun,
    imported: count('imported'),
    known: count('known'),
    skipped: count('skipped'),
    failed: count('failed'),
    items: items.map(({ error, ...item }) => ({
      ...item,
      error: error === null ? null : errorAsJson(error).error,
    })),
    unrecognised,
  };
}

const words: Record<ImportItem['state'], string> = {
  imported: 'imported',
  found: 'to import',
  known: 'already there',
  skipped: 'left alone',
  failed: 'failed',
};

export async function renderImports(
  io: Pick<Io, 'terminal' | 'color' | 'columns'>,
  items: readonly ImportItem[],
  unrecognised: readonly string[],
  { dryRun, timezone }: { dryRun: boolean; timezone: string },
): Promise<string[]> {
  const style = styleFor(io.color);
  const paint = { imported: style.good, found: style.accent, known: style.dim, skipped: style.dim, failed: style.bad };
  const [only] = items;
  // It has been shown already.
  if (items.length === 1 && only?.state === 'imported' && unrecognised.length === 0) return [];
  const table =
    items.length === 0
      ? ['no backup was recognised']
      : await renderTable(
          io,
          [
            { title: 'NAME', shrinksTo: 20 },
            { title: 'SYSTEM' },
            { title: 'MADE' },
            { title: 'SIZE', align: 'right' },
            { title: 'STATE' },
            { title: 'BACKUP' },
          ],
          items.map((item) => [
            item.name,
            item.system ?? '-',
            formatTime(item.madeAt, timezone),
            formatBytes(item.bytes),
            { text: words[item.state], paint: paint[item.state] },
            item.id ?? '-',
          ]),
        );
  const lines = [...table];
  for (const item of items) {
    const { error } = item;
    const notes = error ? [`${error.message} (${error.code})`, ...(error.hint ? [error.hint] : [])] : item.notes;
    if (item.state === 'imported' || item.state === 'known' || notes.length === 0) continue;
    lines.push('', printable(item.file), ...notes.map((note) => `  ${printable(withoutSecrets(note))}`));
  }
  if (unrecognised.length > 0) {
    lines.push('', `${plural(unrecognised.length, 'file')} not recognised, left alone:`);
    lines.push(...unrecognised.map((path) => `  ${printable(path)}`));
  }
  if (dryRun) lines.push('', 'Nothing was taken in: this was a dry run.');
  return lines;
}
