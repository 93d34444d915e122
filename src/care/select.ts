import { HoldfastError } from '../base/errors.ts';
import type { BackupRow, Catalog } from '../catalog/catalog.ts';
import type { Storage } from '../storage/storage.ts';
import { oldestFirst } from './backup-facts.ts';
import { takeInventory } from './inventory.ts';
import type { Source } from './source.ts';

export type Selectable = Pick<BackupRow, 'id' | 'state' | 'facts'>;

/**
 * The backup that a text means: its id, a prefix that only one has, or `latest` (the newest that can be restored; one made for safety before
 * a restore only when there is no other, because it holds what somebody wanted to be rid of). Rows may be
 * of several storages; of the copies of one backup the first complete one is taken.
 */
export function selectBackup<Row extends Selectable>(rows: readonly Row[], text: string): Row {
  const backups = onePerBackup(rows);
  if (text === 'latest') return latest(backups);
  const exact = backups.find(({ id }) => id === text);
  if (exact) return exact;
  const matching = text === '' ? [] : backups.filter(({ id }) => id.startsWith(text));
  const [only] = matching;
  if (only && matching.length === 1) return only;
  throw matching.length > 1 ? ambiguous(text, matching) : unknown(text, backups);
}

/** Where a backup is to be read from: in the named storage, or in the first of the source's that has it whole. */
export async function resolveBackup(request: {
  source: Source;
  storage: Storage | null;
  id: string;
  catalog: Catalog | null;
  signal: AbortSignal;
}): Promise<{ storage: Storage; id: string; row: BackupRow }> {
  const { source, catalog, signal } = request;
  const storages = request.storage ? [request.storage] : source.storages;
  const rows: BackupRow[] = [];
  for (const storage of storages)
    rows.push(...(await takeInventory({ storage, source: source.name, catalog, signal })));
  const row = selectBackup(rows, request.id);
  const storage = storages.find(({ name }) => name === row.storage) ?? source.storages[0];
  return { storage, id: row.id, row };
}

function onePerBackup<Row extends Selectable>(rows: readonly Row[]): Row[] {
  const backups = new Map<string, Row>();
  for (const row of rows) {
    const before = backups.get(row.id);
    if (!before || (before.state !== 'complete' && row.state === 'complete')) backups.set(row.id, row);
  }
  return oldestFirst([...backups.values()]);
}

function latest<Row extends Selectable>(backups: Row[]): Row {
  const complete = backups.filter(({ state }) => state === 'complete');
  const newest = complete.findLast(({ facts }) => facts?.trigger !== 'safety') ?? complete.at(-1);
  if (newest) return newest;
  throw new HoldfastError(
    'BACKUP_UNKNOWN',
    backups.length === 0 ? 'there are no backups yet' : 'no backup is complete',
    {
      kind: 'usage',
      hint: backups.length === 0 ? 'Take one with `holdfast backup`.' : 'See what is wrong with `holdfast list`.',
    },
  );
}

function ambiguous(text: string, matching: Selectable[]): HoldfastError {
  return new HoldfastError('BACKUP_AMBIGUOUS', `${matching.length} backups begin with ${text}: ${spell(matching)}`, {
    kind: 'usage',
    hint: 'Give more of the id, or `latest`.',
    details: { matches: matching.map(({ id }) => id) },
  });
}

function unknown(text: string, backups: Selectable[]): HoldfastError {
  const sharing = (id: string) => {
    let at = 0;
    while (at < id.length && id[at] === text[at]) at += 1;
    return at;
  };
  const best = Math.max(0, ...backups.map(({ id }) => sharing(id)));
  // Those that agree longest with what was typed; a shared year alone says nothing.
  const near = best >= 'YYYY-MM'.length ? backups.filter(({ id }) => sharing(id) === best) : backups;
  return new HoldfastError('BACKUP_UNKNOWN', `there is no backup ${JSON.stringify(text)}`, {
    kind: 'usage',
    hint:
      near.length === 0
        ? 'There are no backups yet; take one with `holdfast backup`.'
        : `There are ${spell(near)}; \`holdfast list\` shows all.`,
    details: { near: near.slice(-5).map(({ id }) => id) },
  });
}

function spell(backups: Selectable[]): string {
  const names = backups.slice(-5).map(({ id }) => id);
  return `${backups.length > names.length ? `${backups.length - names.length} earlier ones and ` : ''}${names.join(', ')}`;
}
