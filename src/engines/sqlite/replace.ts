import { HoldfastError } from '../../base/errors.ts';
import type { Counts, LoadOptions, StoredDump } from '../engine.ts';
import { busyMs, type Access } from './access.ts';
import { consequencesIn } from './consequences.ts';
import { countIn } from './counts.ts';
import { sqliteError } from './errors.ts';
import type { ExpectedTable, Refusal } from './process/replace.ts';
import { expectFileDump, expectReadable, openStored } from './read-through.ts';
import { startSession } from './session.ts';

interface Replacing {
  options: LoadOptions;
  expected: Counts;
  beforeCommit: (() => Promise<void>) | undefined;
}

/** Other content in the same file, in one transaction: programs that have it open go on, and wait as long as it takes. */
export async function replace(
  access: Access,
  dump: StoredDump,
  { options, expected, beforeCommit }: Replacing,
  signal: AbortSignal,
): Promise<{ warnings: string[] }> {
  expectFileDump(dump);
  await using file = await dump.locally(signal);
  await expectAsCounted(file.path, { quick: dump.trusted, counts: options.scope ? null : expected }, signal);
  await using session = await access.open('write', signal);
  const warnings = options.scope ? await consequencesIn(session, options.scope, signal) : [];
  const deadline = performance.now() + busyMs(access);
  for (;;) {
    // Who asks what happened last has to be told of everything: so nobody writes meanwhile.
    if (beforeCommit) await session.ask('lock', {}, signal);
    await beforeCommit?.();
    const done = options.scope
      ? await session.ask('replaceTables', { from: file.path, tables: wanted(options.scope, expected) }, signal)
      : await session.ask('replaceAll', { from: file.path }, signal);
    if (done === null) return { warnings };
    if (done !== 'overtaken') throw asError(done);
    if (performance.now() > deadline) throw sqliteError(neverAlone, access.path);
  }
}

const neverAlone = { message: 'others write without a pause', sqlite: 5, system: null };

/** The pages that come are those of the file: so the file is compared, before anything is touched. */
async function expectAsCounted(
  path: string,
  { quick, counts }: { quick: boolean; counts: Counts | null },
  signal: AbortSignal,
): Promise<void> {
  await using session = startSession(path);
  await openStored(session, path, signal);
  await expectReadable(session, path, { quick }, signal);
  if (counts === null) return;
  const wish = {
    tables: null,
    rows: true,
    sequences: false,
    fingerprints: counts.tables.some((each) => each.fingerprint !== null),
  };
  const found = new Map((await countIn(session, wish, signal)).tables.map((table) => [table.name, table]));
  for (const table of counts.tables) {
    const is = found.get(table.name);
    const same =
      is &&
      (table.rows === null || is.rows === table.rows) &&
      (table.fingerprint === null || is.fingerprint === table.fingerprint);
    if (!same) throw asError({ code: 'RESTORE_DIFFERS', message: `table ${table.name} is not as it was counted` });
  }
}

function wanted(scope: NonNullable<LoadOptions['scope']>, expected: Counts): ExpectedTable[] {
  if (scope.schemas.length > 0) {
    throw new HoldfastError('NOT_IN_DUMP', 'an SQLite database has no schemas', {
      kind: 'refused',
      hint: 'Name tables with `--table`.',
    });
  }
  return scope.tables.map(({ name }) => {
    const { rows = null, fingerprint = null } = expected.tables.find((table) => table.name === name) ?? {};
    return { name, rows, fingerprint };
  });
}

const beside = 'Restore beside the live database with `--into` and copy what you need from there.';
const hints: Readonly<Record<Refusal['code'], string>> = {
  NOT_IN_DUMP: '`holdfast inspect` shows what is in the backup.',
  TABLE_DIFFERS: beside,
  RESTORE_DIFFERS:
    'Everything is as it was before. Try another backup; `holdfast drill` tells which ones come back whole.',
  RESTORE_ORPHANS: 'Everything is as it was before. Name the tables on the other side of the key as well.',
  PAGE_SIZE_DIFFERS: 'Everything is as it was before. Stop the application and restore without `--in-place`.',
};

function asError({ code, message }: Refusal): HoldfastError {
  const differs = code === 'RESTORE_DIFFERS';
  return new HoldfastError(code, differs ? `the restored data is not what was backed up: ${message}` : message, {
    kind: differs ? 'integrity' : 'refused',
    hint: hints[code],
  });
}
