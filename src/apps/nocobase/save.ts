import { HoldfastError } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import type { AppContext, AppPart, Around, Saving } from '../app.ts';
import { readEnvironment } from './env-file.ts';
import { compareRecords, type RecordsCompared } from './file-records.ts';
import { keepFoundFiles } from './found-files.ts';
import { filesApp } from './inner-files.ts';
import { keysAsPart } from './keys-tar.ts';
import { lookAt } from './look.ts';
import type { NocobaseSettings } from './options.ts';
import { placesOf } from './places.ts';

/**
 * The folders are read after the snapshot of the database was taken, and uploads are written once, under names of their own: whatever a
 * record of the dump points to is there, unless somebody deletes it meanwhile. So the files of all records are looked for twice: now,
 * when the snapshot stands, and when everything is stored.
 */
export async function save(
  settings: NocobaseSettings,
  { around, context, signal }: { around: Around; context: AppContext; signal: AbortSignal },
): Promise<Saving> {
  const { database, encrypted } = around;
  if (database === null) throw noDatabase();
  const environment = await readEnvironment(settings);
  const places = placesOf(settings, environment);
  const look = await lookAt(database, { settings, environment, places }, { encrypted, signal });
  await using cleanup = new AsyncDisposableStack();
  const saving = cleanup.use(await filesApp(look.trees, context).open(around, signal));
  const found = cleanup.use(await keepFoundFiles(context.scratch));
  const recorded = { tables: look.fileTables, storages: look.storages, rootOf: places.rootOf };
  const compared = await compareRecords(database, recorded, { signal, found: found.add });
  const warnings = [...look.warnings];
  let deleted = 0;

  async function* parts(until: AbortSignal): AsyncIterable<AppPart> {
    yield* saving.parts(until);
    if (encrypted && look.keys.length > 0) yield keysAsPart(look.keys);
    const vanished = await found.lookAgain(until);
    deleted = vanished.count;
    warnings.push(...saving.warnings, ...tellMissing(compared, vanished));
  }

  const kept = cleanup.move();
  return {
    parts,
    warnings,
    facts: () => ({
      ...look.facts,
      fileRecords: { count: compared.records, missing: compared.missingCount, deletedMeanwhile: deleted },
      files: saving.facts(),
    }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Pure. */
export function tellMissing(compared: RecordsCompared, vanished: { count: number; names: string[] }): string[] {
  const { records, missing, missingCount, otherSize, otherSizeCount } = compared;
  const told: string[] = [];
  if (missingCount > 0) {
    told.push(
      `${missingCount} of ${formatCount(records, 'file record')} without a file: ${capped(missing, missingCount)}`,
    );
  }
  if (vanished.count > 0) {
    told.push(
      `${formatCount(vanished.count, 'file')} deleted while the backup ran, with records that may still be in the dump: ${capped(vanished.names, vanished.count)}`,
    );
  }
  if (otherSizeCount > 0) {
    told.push(
      `${formatCount(otherSizeCount, 'file')} of another size than recorded: ${capped(otherSize, otherSizeCount)}`,
    );
  }
  return told;
}

function capped(names: readonly string[], count: number): string {
  return count > names.length ? `${names.join('; ')}; and ${count - names.length} more` : names.join('; ');
}

function noDatabase(): HoldfastError {
  return new HoldfastError('NOCOBASE_NO_DATABASE', 'NocoBase cannot be saved without its database', {
    kind: 'usage',
    hint: 'Give the source the database that DB_DATABASE of the application names.',
  });
}
