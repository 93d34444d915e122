import { describe, expect, test } from 'vitest';
import type { Counts } from '../../engines/engine.ts';
import { compareCounts, foundOnly, describeMismatches } from './compare.ts';

const counts = (rows: number | null, value = '5', extra: Partial<Counts['tables'][number]> = {}): Counts => ({
  tables: [{ schema: 'public', name: 'users', rows, fingerprint: null, ...extra }],
  sequences: [{ schema: 'public', name: 'users_id_seq', value, called: true }],
});

describe('comparing a restored database with its manifest', () => {
  test('equal counts are fine, and what was compared is told', () => {
    const result = compareCounts(counts(7), counts(7));
    expect(result).toMatchObject({ ok: true, tables: { compared: 1, rows: 7 }, sequences: { compared: 1 } });
  });

  test('T-d8: one missing row fails', () => {
    const result = compareCounts(counts(7), counts(6));
    expect(result.ok).toBe(false);
    expect(describeMismatches(result)).toBe('table public.users has 6 rows instead of 7');
  });

  test('a missing table and a missing sequence are named', () => {
    const result = compareCounts(counts(7), { tables: [], sequences: [] });
    expect(describeMismatches(result)).toBe('table public.users is missing, sequence public.users_id_seq is missing');
  });

  test('the same number of rows with other content fails when fingerprints were taken', () => {
    const result = compareCounts(
      counts(7, '5', { fingerprint: 'md5sum:1:2' }),
      counts(7, '5', { fingerprint: 'md5sum:1:3' }),
    );
    expect(result.tables).toMatchObject({ fingerprints: 1, contentUnknown: 0 });
    expect(result.tables.mismatched).toEqual([
      { schema: 'public', name: 'users', expected: 7, actual: 7, reason: 'content' },
    ]);
  });

  test('a digest that no version wrote is another one, and not one of another kind', () => {
    const result = compareCounts(counts(7, '5', { fingerprint: 'x' }), counts(7, '5', { fingerprint: 'md5sum:1:3' }));
    expect(result.tables).toMatchObject({ contentUnknown: 0, mismatched: [{ reason: 'content' }] });
  });

  test.each(['sha256sum:1:2', null])('content with a digest of another kind (%s) is told as not compared', (other) => {
    const result = compareCounts(counts(7, '5', { fingerprint: 'md5sum:1:2' }), counts(7, '5', { fingerprint: other }));
    expect(result).toMatchObject({
      ok: true,
      tables: { compared: 1, fingerprints: 0, contentUnknown: 1, mismatched: [] },
    });
  });

  test('data left out on purpose is not compared, its table is', () => {
    expect(compareCounts(counts(null), counts(0)).ok).toBe(true);
    expect(foundOnly(counts(7))).toMatchObject({
      ok: true,
      tables: { compared: 0, uncounted: 1, rows: 7, fingerprints: 0 },
      sequences: { compared: 0 },
    });
    expect(compareCounts(counts(null), { ...counts(0), tables: [] }).ok).toBe(false);
  });

  test('a sequence at another position, or not yet used, fails', () => {
    expect(compareCounts(counts(1, '5'), counts(1, '6')).ok).toBe(false);
    const unused = counts(1);
    unused.sequences[0]!.called = false;
    expect(describeMismatches(compareCounts(counts(1), unused))).toContain('stands at 5 (not yet used) instead of 5');
  });

  test('a sequence that moved during the dump may stand anywhere it was, in either direction', () => {
    const moved = counts(1, '5');
    moved.sequences[0]!.until = '9';
    expect(['4', '5', '9', '10'].map((value) => compareCounts(moved, counts(1, value)).ok)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const down = counts(1, '-1');
    down.sequences[0]!.until = '-4';
    expect(compareCounts(down, counts(1, '-3')).ok).toBe(true);
  });

  test('only the first five differences are spelled out', () => {
    const tables = Array.from({ length: 8 }, (_, at) => ({ schema: 's', name: `t${at}`, rows: 1, fingerprint: null }));
    const text = describeMismatches(compareCounts({ tables, sequences: [] }, { tables: [], sequences: [] }));
    expect(text).toMatch(/t4 is missing, and 3 more$/);
  });
});
