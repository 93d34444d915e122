import { z } from 'zod';
import { backupPrefix } from '../../archive/format/layout.ts';
import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import type { RunRecord } from '../../catalog/catalog.ts';
import type { Message, RunFacts } from '../../notify/channel.ts';
import type { Comparison } from '../proof/compare.ts';

/** Where a storage is, for people; null for one that is not configured. */
export type PlaceOf = (storage: string) => { kind: string; title: string } | null;

/**
 * What is read of a run's result; everything else in it is other people's. Any of it may be missing, null or something else, in a run of
 * another kind or of an earlier version: then it is as if it were not there, and never keeps anybody from being told.
 */
const resultSchema = z.object({
  id: asFound(z.string()),
  ok: asFound(z.boolean()),
  storage: asFound(z.string()),
  durationMs: asFound(z.number()),
  seconds: asFound(z.number()),
  bytes: asFound(z.number()),
  artifacts: asFound(z.array(z.object({ role: asFound(z.string()), bytes: asFound(z.number()) }))),
  copies: asFound(z.record(z.string(), z.string())),
  tables: asFound(z.union([z.number(), z.custom<Comparison['tables']>(hasMismatches)])),
  sequences: asFound(z.custom<Comparison['sequences']>(hasMismatches)),
  removed: asFound(z.array(z.string())),
  rows: asFound(z.number()),
  warnings: asFound(z.array(z.string())),
  failed: asFound(z.array(z.object({ part: z.string(), message: z.string() }))),
  checks: asFound(
    z.array(
      z.object({
        artifact: asFound(z.string()),
        query: asFound(z.string()),
        ok: asFound(z.boolean()),
        detail: asFound(z.string()),
      }),
    ),
  ),
});

export type RunResult = z.infer<typeof resultSchema>;

export function resultOf({ result }: Pick<RunRecord, 'result'>): RunResult {
  const parsed = resultSchema.safeParse(result);
  return parsed.success ? parsed.data : {};
}

function asFound<T>(schema: z.ZodType<T>) {
  return schema.optional().catch(undefined);
}

function hasMismatches(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Array.isArray((value as { mismatched?: unknown }).mismatched);
}

/** The numbers of a run, for programs. */
export function runFacts(run: RunRecord, placeOf: PlaceOf): RunFacts {
  const result = resultOf(run);
  const { bytes = null, rows = null, copies = {} } = result;
  const backup = run.backup ?? result.id ?? null;
  const places = Object.entries(copies).flatMap(([storage, state]) => {
    const place = placeOf(storage);
    return state === 'complete' && place && backup !== null && run.source !== null
      ? [{ storage, kind: place.kind, path: pathOf(place.title, run.source, backup) }]
      : [];
  });
  return {
    run: run.id,
    operation: run.operation,
    state: run.state,
    backup,
    durationMs: durationOf(run),
    bytes,
    databaseBytes: sumOf(result, ['database']),
    fileBytes: sumOf(result, ['files', 'app']),
    bases: null,
    tables: typeof result.tables === 'number' ? result.tables : null,
    records: rows,
    places,
  };
}

/** The same for people, under the names that earlier systems used (N-31); counts only where there is something to count. */
export function listFacts(facts: RunFacts, instance: string): Message['facts'] {
  const { backup, state, tables, records, databaseBytes, bytes, durationMs, places, run } = facts;
  const rows: [string, string | null][] = [
    ['Instance', instance],
    ['Backup ID', backup],
    ['Status', state],
    ['Tables', tables ? formatCount(tables) : null],
    ['Records', records ? formatCount(records) : null],
    ['Database Dump', databaseBytes ? formatBytes(databaseBytes) : null],
    ['Total Size', bytes ? formatBytes(bytes) : null],
    ['Duration', durationMs === null ? null : formatDuration(durationMs)],
    ...places.map(({ storage, path }): [string, string] => [`Path (${storage})`, path]),
    ['Run', run],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

export function durationOf({ startedAt, finishedAt }: RunRecord): number | null {
  return finishedAt === null ? null : Math.max(0, new Date(finishedAt).getTime() - new Date(startedAt).getTime());
}

/** Null: none of them was stored. */
function sumOf({ artifacts = [] }: RunResult, roles: readonly string[]): number | null {
  const some = artifacts.filter(({ role }) => roles.includes(role ?? ''));
  return some.length === 0 ? null : some.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
}

function pathOf(title: string, source: string, backup: string): string {
  return `${title.replace(/\/$/, '')}/${backupPrefix(source, backup).replace(/\/$/, '')}`;
}
