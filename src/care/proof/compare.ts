import {
  tableTitle,
  type Counts,
  type SequencePosition,
  type TableCount,
  type TableName,
} from '../../engines/engine.ts';

export interface TableMismatch extends TableName {
  expected: number | null;
  actual: number | null;
  reason: 'missing' | 'rows' | 'content';
}
export interface SequenceMismatch extends TableName {
  expected: string;
  actual: string | null;
}
/** What a restored database was compared with, and where it differs; part of `drill --json` and `restore --json`. */
export interface Comparison {
  ok: boolean;
  /**
   * `uncounted` tables are there, and how many rows they should have is not known. `fingerprints` counts those whose content was compared,
   * `contentUnknown` those whose content has a digest that could not be made again here.
   */
  tables: {
    compared: number;
    uncounted: number;
    rows: number;
    fingerprints: number;
    contentUnknown: number;
    mismatched: TableMismatch[];
  };
  sequences: { compared: number; mismatched: SequenceMismatch[] };
}

/** Compares a restored database with what was counted in the snapshot of its dump. More tables than expected do no harm. */
export function compareCounts(expected: Counts, actual: Counts): Comparison {
  const tables = new Map(actual.tables.map((table) => [key(table), table]));
  const sequences = new Map(actual.sequences.map((sequence) => [key(sequence), sequence]));
  const tableMismatches = expected.tables.flatMap((table) => compareTable(table, tables.get(key(table))));
  const digested = expected.tables.filter((table) => table.fingerprint !== null);
  const contentUnknown = digested.filter((table) => !isContentKnown(table, tables.get(key(table)))).length;
  const sequenceMismatches = expected.sequences.flatMap((each) => compareSequence(each, sequences.get(key(each))));
  return {
    ok: tableMismatches.length === 0 && sequenceMismatches.length === 0,
    tables: {
      compared: expected.tables.filter((table) => table.rows !== null).length,
      uncounted: expected.tables.filter((table) => table.rows === null).length,
      rows: expected.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0),
      fingerprints: digested.length - contentUnknown,
      contentUnknown,
      mismatched: tableMismatches,
    },
    sequences: { compared: expected.sequences.length, mismatched: sequenceMismatches },
  };
}

/** Nobody counted when the dump was made: what came back is all that can be told. */
export function foundOnly({ tables }: Counts): Comparison {
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  return {
    ok: true,
    tables: { compared: 0, uncounted: tables.length, rows, fingerprints: 0, contentUnknown: 0, mismatched: [] },
    sequences: { compared: 0, mismatched: [] },
  };
}

/** A sentence for people: the first differences, named. */
export function describeMismatches(comparison: Comparison): string {
  const texts = [
    ...comparison.tables.mismatched.map((each) => {
      const name = tableTitle(each);
      if (each.reason === 'missing') return `table ${name} is missing`;
      if (each.reason === 'content') return `table ${name} has the right number of rows but other content`;
      return `table ${name} has ${each.actual} rows instead of ${each.expected}`;
    }),
    ...comparison.sequences.mismatched.map((each) =>
      each.actual === null
        ? `sequence ${tableTitle(each)} is missing`
        : `sequence ${tableTitle(each)} stands at ${each.actual} instead of ${each.expected}`,
    ),
  ];
  const more = texts.length > 5 ? `, and ${texts.length - 5} more` : '';
  return texts.slice(0, 5).join(', ') + more;
}

function compareTable(expected: TableCount, actual: TableCount | undefined): TableMismatch[] {
  const base = { schema: expected.schema, name: expected.name, expected: expected.rows };
  if (!actual) return [{ ...base, actual: null, reason: 'missing' }];
  if (expected.rows === null) return []; // left out on purpose: that it exists is all there is to compare
  if (actual.rows !== expected.rows) return [{ ...base, actual: actual.rows, reason: 'rows' }];
  const hasDigest = expected.fingerprint !== null && isContentKnown(expected, actual);
  if (hasDigest && actual.fingerprint !== expected.fingerprint) {
    return [{ ...base, actual: actual.rows, reason: 'content' }];
  }
  return [];
}

/** A digest says nothing beside one of another kind, as another version took it, or where a row is too long for this server to digest it. */
function isContentKnown(expected: TableCount, actual: TableCount | undefined): boolean {
  if (!actual) return true;
  if (actual.fingerprint === null) return false;
  const kind = kindOf(expected.fingerprint);
  return kind === null || kind === kindOf(actual.fingerprint);
}

/** Of `md5sum:1:2`, the first part; null where there is none, as no version wrote it. */
function kindOf(fingerprint: string | null): string | null {
  return /^(\w+):/.exec(fingerprint ?? '')?.[1] ?? null;
}

function compareSequence(expected: SequencePosition, actual: SequencePosition | undefined): SequenceMismatch[] {
  const base = { schema: expected.schema, name: expected.name, expected: expected.until ?? expected.value };
  if (!actual) return [{ ...base, actual: null }];
  if (expected.until !== undefined) {
    return isBetween(BigInt(expected.value), BigInt(actual.value), BigInt(expected.until))
      ? []
      : [{ ...base, expected: `${expected.value} to ${expected.until}`, actual: actual.value }];
  }
  const same = actual.value === expected.value && actual.called === expected.called;
  return same ? [] : [{ ...base, expected: position(expected), actual: position(actual) }];
}

/** Sequences may count down, so either end may be the larger one. */
function isBetween(from: bigint, value: bigint, to: bigint): boolean {
  return from <= to ? from <= value && value <= to : to <= value && value <= from;
}

function position(sequence: SequencePosition): string {
  return sequence.called ? sequence.value : `${sequence.value} (not yet used)`;
}

function key(name: TableName): string {
  return JSON.stringify([name.schema, name.name]);
}
