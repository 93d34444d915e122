import { expect, test } from 'vitest';
import type { MetricFacts } from './facts.ts';
import { measure } from './measure.ts';
import { metrics, type MetricName } from './names.ts';
import { renderMetrics } from './render.ts';

const at = '2026-11-21T08:00:00.000Z';
const seconds = Date.parse(at) / 1000;

const nothing: MetricFacts = {
  ok: true,
  version: '1.0.0',
  instance: 'web-1',
  now: new Date(at),
  tickAt: new Date(at),
  nextRuns: [],
  sources: [{ name: 'shop', storages: ['local', 'offsite'] }],
  figures: {
    runTotals: [],
    running: [],
    latestRuns: [],
    stored: [],
    newestBackups: [],
    latestProofs: [],
    failedVerifications: [],
    pendingCopies: [],
    deliveries: [],
    openIncidents: [],
  },
  check: null,
  process: { cpuSeconds: 1.5, residentBytes: 100, heapBytes: 50, startedAt: new Date(at) },
};

const much: MetricFacts = {
  ...nothing,
  nextRuns: [
    { plan: 'backup/shop', at: new Date(Date.parse(at) - 1000) },
    { plan: 'drill/shop', at: new Date(Date.parse(at) + 60_000) },
  ],
  figures: {
    runTotals: [{ operation: 'backup', state: 'failed', count: 3 }],
    running: [{ operation: 'backup', count: 1 }],
    latestRuns: [
      {
        source: 'shop',
        operation: 'backup',
        startedAt: at,
        ended: { at, state: 'failed', seconds: 9 },
        succeeded: { at, seconds: 8 },
      },
      { source: 'gone', operation: 'backup', startedAt: at, ended: null, succeeded: null },
      { source: null, operation: 'rebuild', startedAt: at, ended: null, succeeded: null },
    ],
    stored: [
      { source: 'shop', storage: 'local', backups: 3, damaged: 1, bytes: 300 },
      { source: 'gone', storage: 'local', backups: 3, damaged: 1, bytes: 300 },
    ],
    newestBackups: [
      { source: 'shop', startedAt: at, bytes: 120, rawBytes: 500 },
      { source: 'gone', startedAt: at, bytes: 120, rawBytes: 500 },
    ],
    latestProofs: [
      { kind: 'drill', source: 'shop', at, ok: false, seconds: 42 },
      { kind: 'verify', source: 'shop', at, ok: true, seconds: 2 },
    ],
    failedVerifications: [{ source: 'shop', storage: 'no longer configured', count: 1 }],
    pendingCopies: [{ source: 'shop', storage: 'offsite', count: 2 }],
    deliveries: [{ channel: 'email', state: 'failed', count: 4 }],
    openIncidents: [{ severity: 'critical', count: 1 }],
  },
  check: {
    name: 'check',
    lastAttempt: at,
    lastGood: at,
    detail: {
      findings: [
        { code: 'A', source: 'shop', severity: 'critical' },
        { code: 'B', source: 'shop', severity: 'critical' },
        { code: 'C', source: null, severity: 'warning' },
      ],
    },
  },
};

function valueOf(facts: MetricFacts, name: MetricName, labels: Record<string, string> = {}): number | undefined {
  return measure(facts).find(
    (each) => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value),
  )?.value;
}

test.each<[MetricName, Record<string, string>, number]>([
  ['holdfast_up', {}, 1],
  ['holdfast_info', { version: '1.0.0', instance: 'web-1' }, 1],
  ['holdfast_scheduler_tick_timestamp_seconds', {}, seconds],
  ['holdfast_runs_running', { operation: 'backup' }, 1],
  ['holdfast_runs_waiting', {}, 1],
  ['holdfast_next_run_timestamp_seconds', { plan: 'drill/shop' }, seconds + 60],
  ['holdfast_runs_total', { operation: 'backup', state: 'failed' }, 3],
  ['holdfast_last_attempt_timestamp_seconds', { source: 'shop', operation: 'backup' }, seconds],
  ['holdfast_last_attempt_timestamp_seconds', { source: '', operation: 'rebuild' }, seconds],
  ['holdfast_last_run_timestamp_seconds', { source: 'shop', operation: 'backup', state: 'failed' }, seconds],
  ['holdfast_last_run_ok', { source: 'shop', operation: 'backup' }, 0],
  ['holdfast_last_success_timestamp_seconds', { source: 'shop', operation: 'backup' }, seconds],
  ['holdfast_last_success_duration_seconds', { source: 'shop', operation: 'backup' }, 8],
  ['holdfast_newest_backup_timestamp_seconds', { source: 'shop' }, seconds],
  ['holdfast_newest_backup_stored_bytes', { source: 'shop' }, 120],
  ['holdfast_newest_backup_raw_bytes', { source: 'shop' }, 500],
  ['holdfast_backups', { source: 'shop', storage: 'local' }, 3],
  ['holdfast_backups', { source: 'shop', storage: 'offsite' }, 0],
  ['holdfast_backups_damaged', { source: 'shop', storage: 'local' }, 1],
  ['holdfast_stored_bytes', { source: 'shop', storage: 'local' }, 300],
  ['holdfast_copies_pending', { source: 'shop', storage: 'offsite' }, 2],
  ['holdfast_copies_pending', { source: 'shop', storage: 'local' }, 0],
  ['holdfast_last_drill_ok', { source: 'shop' }, 0],
  ['holdfast_last_drill_timestamp_seconds', { source: 'shop' }, seconds],
  ['holdfast_last_drill_duration_seconds', { source: 'shop' }, 42],
  ['holdfast_last_verify_ok', { source: 'shop' }, 1],
  ['holdfast_last_verify_timestamp_seconds', { source: 'shop' }, seconds],
  ['holdfast_findings', { source: 'shop', severity: 'critical' }, 2],
  ['holdfast_findings', { source: 'shop', severity: 'warning' }, 0],
  ['holdfast_findings', { source: '', severity: 'warning' }, 1],
  ['holdfast_last_check_timestamp_seconds', {}, seconds],
  ['holdfast_incidents_open', { severity: 'critical' }, 1],
  ['holdfast_incidents_open', { severity: 'warning' }, 0],
  ['holdfast_deliveries', { channel: 'email', state: 'failed' }, 4],
])('%s%j is %d', (name, labels, value) => {
  expect(valueOf(much, name, labels)).toBe(value);
});

test('N-d1: a source that never had a backup shows as zero, and has no time that could be taken for one', () => {
  expect(valueOf(nothing, 'holdfast_backups', { source: 'shop', storage: 'local' })).toBe(0);
  expect(valueOf(nothing, 'holdfast_last_success_timestamp_seconds')).toBeUndefined();
  expect(valueOf(nothing, 'holdfast_newest_backup_timestamp_seconds')).toBeUndefined();
  expect(valueOf(nothing, 'holdfast_findings')).toBeUndefined();
  expect(valueOf({ ...nothing, ok: false }, 'holdfast_up')).toBe(0);
});

test('a verification that failed is not hidden by a later one of another backup, as long as that copy is there', () => {
  const withFailed = (storage: string, ok: boolean): MetricFacts => ({
    ...much,
    figures: {
      ...much.figures,
      latestProofs: [{ kind: 'verify', source: 'shop', at, ok, seconds: 2 }],
      failedVerifications: [{ source: 'shop', storage, count: 1 }],
    },
  });
  expect(valueOf(withFailed('offsite', true), 'holdfast_last_verify_ok', { source: 'shop' })).toBe(0);
  // The last one failed, and what it looked at is gone.
  expect(valueOf(withFailed('gone', false), 'holdfast_last_verify_ok', { source: 'shop' })).toBe(1);
});

test('what is no longer configured is not told, so the number of labels stays bounded', () => {
  expect(measure(much).some(({ labels }) => Object.values(labels).includes('gone'))).toBe(false);
});

test('every name is measured, with exactly its labels', () => {
  const samples = measure(much);
  for (const [name, { labels }] of Object.entries(metrics)) {
    const found = samples.filter((each) => each.name === name);
    expect(found, name).not.toHaveLength(0);
    for (const each of found) expect(Object.keys(each.labels).toSorted(), name).toEqual([...labels].toSorted());
  }
});

test('the text: help and type once, samples of a name together, values of labels escaped', () => {
  const text = renderMetrics([
    { name: 'holdfast_backups', labels: { source: 'a"b\\c\nd', storage: 'x' }, value: 1 },
    { name: 'holdfast_up', labels: {}, value: 1 },
    { name: 'holdfast_backups', labels: { source: 'y', storage: 'x' }, value: 2.5 },
  ]);
  expect(text).toBe(
    [
      '# HELP holdfast_up 1 when /healthz says that all is well, else 0.',
      '# TYPE holdfast_up gauge',
      'holdfast_up 1',
      '# HELP holdfast_backups Backups in a storage, as last seen.',
      '# TYPE holdfast_backups gauge',
      String.raw`holdfast_backups{source="a\"b\\c\nd",storage="x"} 1`,
      'holdfast_backups{source="y",storage="x"} 2.5',
      '',
    ].join('\n'),
  );
});
