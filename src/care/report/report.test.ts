import { describe, expect, test } from 'vitest';
import type { Finding } from '../alerts/finding.ts';
import { renderHtml } from './report-html.ts';
import { reportMessage } from './report-message.ts';
import { renderText } from './report-text.ts';
import type { Report, RunReport, SourceReport } from './report.ts';
import { sparkPath, sparkPoints, sparkText } from './spark.ts';

const at = '2026-11-20T12:00:00.000Z';

const shop: SourceReport = {
  source: 'shop',
  database: 'shop on db:5432 as shop',
  newest: { id: '2026-11-20_05-15-00', at: '2026-11-20T05:15:00.000Z', bytes: 5 * 1024 ** 2, durationMs: 4200 },
  nextDue: '2026-11-21T05:15:00.000Z',
  backups: 2,
  damaged: 1,
  bytes: 10 * 1024 ** 2 + 1,
  copies: [{ storage: 'local', backups: 3, bytes: 10 * 1024 ** 2 + 1, newest: '2026-11-20_05-15-00' }],
  last30Days: { runs: 3, good: 2, days: [{ day: '2026-11-20', good: 2, failed: 1 }] },
  durations: { medianMs: 4200, longestMs: 9000 },
  sizes: [
    { id: 'a', at: '2026-11-19T05:15:00.000Z', bytes: 4 * 1024 ** 2 },
    { id: 'b', at: '2026-11-20T05:15:00.000Z', bytes: 5 * 1024 ** 2 },
  ],
  verified: null,
  drilled: { id: '2026-11-20_05-15-00', storage: 'local', at, ok: false, depth: null, seconds: 3 },
  settings: [{ name: 'schedule', value: '15 5 * * * (UTC)' }],
};

function report(change: Partial<Report> = {}, source: Partial<SourceReport> = {}): Report {
  return {
    at,
    instance: 'web-1',
    timezone: 'Europe/Berlin',
    version: '1.0.0',
    status: 'ok',
    findings: [],
    sources: [{ ...shop, ...source }],
    storages: [
      {
        storage: 'local',
        title: '/srv/backups',
        answers: true,
        backups: 3,
        bytes: 10_485_761,
        free: 1024 ** 3,
        total: 2 * 1024 ** 3,
      },
    ],
    total: { backups: 2, bytes: 10_485_761 },
    runs: [],
    ...change,
  };
}

const hostile = `<img src=x onerror="alert(1)">&'\u001B[2J\u202E\n`;

describe('as a text', () => {
  test('J-14 says how things stand', () => {
    const lines = renderText(report()).split('\n');
    expect(lines).toContain('Backup report of web-1');
    expect(lines).toContain('2026-11-20 13:00 (Europe/Berlin)');
    expect(lines).toContain('OK: nothing is the matter');
    expect(lines).toContain('  newest good   2026-11-20 06:15, 6 h ago: 2026-11-20_05-15-00, 5 MB in 4.2 s');
    expect(lines).toContain('  last 30 days  2 of 3 backups succeeded (66%)');
    expect(lines).toContain('  size          ▇█  4 MB to 5 MB');
    expect(lines).toContain('  verified      never');
    expect(lines).toContain('  drilled       FAILED just now, in 3.0 s: 2026-11-20_05-15-00 in local');
    expect(lines).toContain('    3 backups, 10 MB; 1 GB of 2 GB free');
  });

  test('J-d7 the total is exact, beside the rounded one', () => {
    expect(renderText(report())).toContain('in all: 2 good backups, 10 MB (10,485,761 bytes)');
  });

  test('what is overdue is said to be', () => {
    expect(renderText(report({}, { nextDue: '2026-11-20T11:59:59.000Z' }))).toContain('12:59, overdue');
    expect(renderText(report({}, { nextDue: at }))).not.toContain('overdue');
  });

  test('S18 nothing in it moves a cursor', () => {
    const text = renderText(report({ instance: hostile }, { database: hostile }));
    expect(text).not.toMatch(/[\u001B\u202E]/);
    expect(text.split('\n')[0]).toContain('<img');
  });
});

describe('as a page', () => {
  test('S18, S27 everything of foreign origin is escaped', () => {
    const finding: Finding = {
      code: 'X',
      severity: 'critical',
      source: 'shop',
      storage: null,
      value: null,
      threshold: null,
      message: hostile,
      meaning: hostile,
      hint: `run \`${hostile}\``,
    };
    const error = { code: 'X', message: hostile, hint: hostile };
    const run: RunReport = {
      id: hostile,
      operation: 'backup',
      source: hostile,
      state: 'failed',
      trigger: 'manual',
      startedAt: at,
      finishedAt: at,
      error,
    };
    const source = { source: hostile, database: hostile, settings: [{ name: hostile, value: hostile }] };
    const page = renderHtml(
      report({ instance: hostile, version: hostile, findings: [finding], status: 'critical', runs: [run] }, source),
    );
    expect(page).not.toContain('<img');
    expect(page).not.toMatch(/[\u001B\u202E]/);
    expect(page.match(/&lt;img src=x onerror=&quot;alert\(1\)&quot;&gt;&amp;&#39;/gi)?.length).toBeGreaterThan(8);
  });

  test('needs nothing from elsewhere, and runs nothing', () => {
    const page = renderHtml(report());
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:/i);
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('@media print');
  });

  test('every element is closed', () => {
    const open: string[] = [];
    for (const [, closing, name = '', own] of renderHtml(report()).matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/g)) {
      if (['meta'].includes(name) || own) continue;
      if (closing) expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });
});

test('as a message: the page, and what matters for channels without pages', () => {
  const message = reportMessage(report({ status: 'warning' }), 'https://backups.example.com');
  expect(message).toMatchObject({
    kind: 'report',
    severity: 'warning',
    instance: 'web-1',
    what: '2 good backups of 1 source, 10 MB in all copies.',
    link: 'https://backups.example.com',
    facts: [{ name: 'shop', value: 'newest 6 h ago, 5 MB; 2 good ones' }],
  });
  expect(message.page?.html).toContain('<!doctype html>');
  expect(message.page?.text).toContain('Backup report of web-1');
});

describe('the picture', () => {
  test.each<[number[], string]>([
    [[], ''],
    [[0, 0], '▁▁'],
    [[1, 2, 4, 8], '▂▃▅█'],
    [[7], '█'],
  ])('%j as text', (values, expected) => {
    expect(sparkText(values)).toBe(expected);
  });

  test('only as many as there is room for, the newest', () => {
    expect(sparkText([...Array<number>(50).fill(1), 0], 3)).toBe('██▁');
  });

  test('as a line: nothing at the bottom, the biggest at the top', () => {
    const points = sparkPoints([0, 5, 10], { width: 100, height: 50 });
    expect(points).toEqual([
      { x: 0, y: 50 },
      { x: 50, y: 25 },
      { x: 100, y: 0 },
    ]);
    expect(sparkPath(points)).toBe('M0 50L50 25L100 0');
    expect(sparkPoints([0, 0], { width: 10, height: 5 }).map(({ y }) => y)).toEqual([5, 5]);
    expect(sparkPoints([], { width: 10, height: 5 })).toEqual([]);
  });
});
