import { step, type Report } from '../../base/progress.ts';
import { formatCount } from '../../base/units.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Counts, Database, DatabaseFacts, LoadOptions, StoredDump } from '../../engines/engine.ts';
import { compareCounts, foundOnly, type Comparison } from './compare.ts';

export interface Rehearsal {
  /** Does not exist yet; it is created here and left as it is, also when something fails: the caller decides what becomes of it. */
  scratch: Database;
  /** Owner, encoding and locale the scratch database gets. */
  like: DatabaseFacts;
  /** Written on the scratch database, so that a leftover can be told from a database of the operator. */
  note: string;
  dump: StoredDump;
  /** Null when nobody counted (a dump that was not made here): then what is found is counted. */
  expected: Counts | null;
  options: LoadOptions;
  /** It is there, and ours. When it cannot be created, that may be because somebody else's is. */
  onCreated?: () => void;
  signal: AbortSignal;
  report: Report;
}

export interface RehearsalResult {
  comparison: Comparison;
  counts: Counts;
  /** From the empty database to the last index: what a recovery would take. */
  loadSeconds: number;
  warnings: string[];
}

/** Brings a dump back beside everything that lives, and compares. The heart of both a drill and a restore by swap. */
export async function rehearse(rehearsal: Rehearsal): Promise<RehearsalResult> {
  const { scratch, expected, signal, report } = rehearsal;
  const started = performance.now();
  const { warnings } = await step(
    report,
    'load',
    () => fill(rehearsal),
    () => `into ${scratch.name}`,
  );
  const loadSeconds = (performance.now() - started) / 1000;
  await step(report, 'analyze', () => scratch.analyze(signal));
  const { counts, comparison } = await step(
    report,
    'compare',
    () => countAndCompare(scratch, expected, signal),
    (result) => describeComparison(result.comparison, expected !== null),
  );
  return { comparison, counts, loadSeconds, warnings };
}

async function fill(rehearsal: Rehearsal): Promise<{ warnings: string[] }> {
  const { scratch, options, signal, report } = rehearsal;
  try {
    return await createAndLoad(rehearsal, options);
  } catch (error) {
    const { code, retryable } = toHoldfastError(error);
    if (signal.aborted || options.jobs === 1 || code !== 'RESTORE_FAILED' || !retryable) throw error;
    // Several sessions were in one another's way, which says nothing about the dump.
    const message = `${(error as Error).message}; loaded again from the beginning, by one job`;
    report({ kind: 'warning', message });
    await scratch.drop({ unmarked: false }, signal);
    const { warnings } = await createAndLoad(rehearsal, { ...options, jobs: 1 });
    return { warnings: [message, ...warnings] };
  }
}

async function createAndLoad(
  { scratch, like, note, dump, onCreated, signal }: Rehearsal,
  options: LoadOptions,
): Promise<{ warnings: string[] }> {
  await scratch.create(like, note, signal);
  onCreated?.();
  return scratch.load(dump, options, signal);
}

export async function countAndCompare(
  database: Database,
  expected: Counts | null,
  signal: AbortSignal,
): Promise<{ counts: Counts; comparison: Comparison }> {
  const counts = await database.count(
    {
      tables: expected?.tables.map(({ schema, name }) => ({ schema, name })) ?? null,
      sequences: true,
      fingerprints: expected?.tables.some((table) => table.fingerprint !== null) ?? false,
    },
    signal,
  );
  return { counts, comparison: expected ? compareCounts(expected, counts) : foundOnly(counts) };
}

function describeComparison({ ok, tables, sequences }: Comparison, counted: boolean): string {
  if (!counted)
    return `${formatCount(tables.uncounted, 'table')} and ${formatCount(tables.rows, 'row')}, nothing to compare with`;
  const differences = tables.mismatched.length + sequences.mismatched.length;
  if (!ok) return differences === 1 ? '1 difference' : `${differences} differences`;
  const uncounted = tables.uncounted > 0 ? `, ${formatCount(tables.uncounted)} tables not counted` : '';
  const equal =
    tables.contentUnknown > 0 ? `, content of ${formatCount(tables.fingerprints)} equal` : ', content equal';
  const content = tables.fingerprints > 0 ? equal : '';
  const unknown =
    tables.contentUnknown > 0
      ? `, content of ${formatCount(tables.contentUnknown, 'table')} could not be compared`
      : '';
  return `${formatCount(tables.compared, 'table')}, ${formatCount(tables.rows, 'row')} and ${formatCount(sequences.compared, 'sequence')} equal${content}${unknown}${uncounted}`;
}
