import { formatBytes, formatDuration } from '../../base/units.ts';
import type { Command, CommandContext, Ending } from '../command.ts';
import type { ListedBackup, Listing } from '../../care/stock/listing.ts';
import { sayUnreachable } from '../output/unreachable.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor, type Style } from '../output/style.ts';
import { renderTable, type Cell, type Column } from '../output/table.ts';
import { plural } from '../output/text.ts';
import { formatAge, formatMoment } from '../output/time.ts';
import { pickSources } from '../pick.ts';

export const list: Command = {
  name: 'list',
  aliases: ['ls'],
  summary: 'the backups: when, how big, where, how well proven',
  group: 'look',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast list', does: 'newest first' },
    { line: 'holdfast list shop --storage offsite', does: 'of one source, in one storage' },
    { line: 'holdfast list --json | jq -r ".[0].id"', does: 'the id of the newest' },
  ],
  help: `One column per storage: + complete, - missing, ~ pending (the copy failed and is tried again), ! damaged, incomplete, or unreadable from here. Proven by: drill (restored and compared),
structure (read to its end by the restoring tool), checksum (the stored bytes).`,
  run: async (context, input) => {
    const { house, sources } = await pickSources(context, input);
    const { storage } = context;
    // Of several sources, each may lie elsewhere; a storage that none has is a slip of the pen, not an empty list.
    if (storage !== undefined && !sources.some((source) => source.storages.some(({ name }) => name === storage)))
      for (const source of sources) house.storageOf(source, storage);
    const { listBackups } = await import('../../care/stock/listing.ts');
    const listings: Listing[] = [];
    for (const source of sources) listings.push(await listBackups(house, source, context.signal));
    const unreachable = listings.flatMap((listing) => listing.unreachable);
    const backups = newestFirst(listings.flatMap((listing) => listing.backups)).filter(
      ({ copies }) => storage === undefined || (copies[storage] ?? 'missing') !== 'missing',
    );
    if (context.json) printJson(context.io, backups);
    else if (backups.length === 0) context.io.screen.line(nothing(unreachable.length > 0));
    else await show(context, backups, { timezone: house.timezone, withSource: sources.length > 1 });
    sayUnreachable(context.io, unreachable);
    return unreachable.length > 0 ? 'partial' : ('done' satisfies Ending);
  },
};

function nothing(unreachable: boolean): string {
  return unreachable ? 'No backups are known.' : 'No backups yet. Take one with `holdfast backup`.';
}

function newestFirst(backups: ListedBackup[]): ListedBackup[] {
  return backups.toSorted((a, b) => new Date(b.createdAt).getTime() - new Date(a.createdAt).getTime());
}

async function show(
  { io, clock }: CommandContext,
  backups: readonly ListedBackup[],
  { timezone, withSource }: { timezone: string; withSource: boolean },
): Promise<void> {
  const style = styleFor(io.color);
  const storages = [...new Set(backups.flatMap(({ copies }) => Object.keys(copies)))];
  const columns: Column[] = [
    { title: '#', align: 'right' },
    { title: 'ID' },
    ...(withSource ? [{ title: 'SOURCE', shrinksTo: 8 }] : []),
    { title: 'CREATED' },
    { title: 'SIZE', align: 'right' as const },
    ...storages.map((storage) => ({ title: storage.toUpperCase(), shrinksTo: 3 })),
    { title: 'PROVEN' },
    { title: 'DESCRIPTION', below: true },
  ];
  const rows = backups.map((backup, index): Cell[] => [
    String(index + 1),
    backup.id,
    ...(withSource ? [backup.source] : []),
    formatMoment(io, backup.createdAt, { timezone, now: clock.now() }),
    formatBytes(backup.bytes),
    ...storages.map((storage) => copyCell(backup.copies[storage], style)),
    provenCell(backup, style),
    [backup.held ? '[held]' : '', backup.trigger === 'safety' ? '[safety]' : '', backup.description ?? '']
      .filter(Boolean)
      .join(' '),
  ]);
  print(io, ...(await renderTable(io, columns, rows)));
  const bytes = backups.reduce((sum, backup) => sum + backup.bytes, 0);
  const [newest] = backups;
  const age = newest ? `; the newest ${formatAge(newest.createdAt, clock.now())}` : '';
  const shared = backups.reduce((sum, backup) => sum + backup.bytes - backup.addedBytes, 0);
  const once = shared > 0 ? `, ${formatBytes(shared)} of it stored only once for several` : '';
  print(io, style.dim(`${plural(backups.length, 'backup')}, ${formatBytes(bytes)}${once}${age}`));
}

function copyCell(state: string | undefined, style: Style): Cell {
  if (state === 'complete') return { text: '+', paint: style.good };
  if (state === undefined || state === 'missing') return { text: '-', paint: style.dim };
  if (state === 'pending') return { text: '~ pending', paint: style.warn };
  return { text: `! ${state}`, paint: style.bad };
}

function provenCell({ verified, drilled, state }: ListedBackup, style: Style): Cell {
  if (state !== 'complete') return { text: '', paint: style.bad };
  if (verified?.ok === false) return { text: 'damaged', paint: style.bad };
  if (drilled) {
    return drilled.ok
      ? { text: `drill ${formatDuration(drilled.seconds * 1000)}`, paint: style.good }
      : { text: 'drill failed', paint: style.bad };
  }
  return verified ? { text: verified.depth, paint: style.good } : { text: 'not yet', paint: style.warn };
}
