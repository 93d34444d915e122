import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../catalog/catalog.ts';
import { newsOfRun, type RunContext } from './run-news.ts';

const operations: RunRecord['operation'][] = [
  'backup',
  'verify',
  'drill',
  'restore',
  'prune',
  'delete',
  'copy',
  'import',
  'rebuild',
  'key',
  'maintenance',
];
const error = { code: 'DISK_FULL', message: 'no space left', hint: null };
const busy = { code: 'SOURCE_BUSY', message: 'in use', hint: null };

describe('what the end of a run means', () => {
  const cases: { name: string; run: Partial<RunRecord>; bad: string[]; good: string[]; success?: boolean }[] = [
    {
      name: 'a good backup ends two incidents and is a success',
      run: {},
      bad: [],
      good: ['backup-failed/shop', 'backup-partial/shop'],
      success: true,
    },
    {
      name: 'a failed backup is critical',
      run: { state: 'failed', error },
      bad: ['critical backup-failed/shop 0'],
      good: [],
    },
    {
      name: 'one that a retry follows is held until that retry had its chance',
      run: { state: 'failed', error, trigger: 'schedule' },
      bad: ['critical backup-failed/shop 15'],
      good: [],
    },
    {
      name: 'one that found the source in use is a warning, later',
      run: { state: 'failed', error: busy },
      bad: ['warning backup-failed/shop 360'],
      good: [],
    },
    {
      name: 'a copy that is owed is a warning about its storage, and the backup is good',
      run: { state: 'partial', result: { copies: { local: 'complete', offsite: 'pending' } } },
      bad: ['warning copy-failed/shop/offsite 0'],
      good: ['backup-failed/shop', 'backup-partial/shop'],
    },
    {
      name: 'partial for another reason is a warning',
      run: { state: 'partial', result: { copies: { local: 'complete' } } },
      bad: ['warning backup-partial/shop 0'],
      good: ['backup-failed/shop'],
    },
    { name: 'cancelled is nothing', run: { state: 'cancelled', error }, bad: [], good: [] },
    {
      name: 'damage is critical and about one copy',
      run: { operation: 'verify', state: 'failed', backup: 'b', result: { ok: false, storage: 'local' } },
      bad: ['critical damaged/shop/local/b 0'],
      good: ['verify-failed/shop'],
    },
    {
      name: 'a verification that could not be done says nothing of the backup',
      run: { operation: 'verify', state: 'failed', backup: 'b', error },
      bad: ['warning verify-failed/shop 0'],
      good: [],
    },
    {
      name: 'one that is to be repeated is held',
      run: { operation: 'verify', state: 'failed', backup: 'b', error, trigger: 'schedule' },
      bad: ['warning verify-failed/shop 15'],
      good: [],
    },
    {
      name: 'a copy verified whole',
      run: { operation: 'verify', backup: 'b', result: { ok: true, storage: 'local' } },
      bad: [],
      good: ['verify-failed/shop', 'damaged/shop/local/b'],
      success: true,
    },
    {
      name: 'a failed drill is critical',
      run: { operation: 'drill', state: 'failed', error },
      bad: ['critical drill-failed/shop 0'],
      good: [],
    },
    {
      name: 'a drill that had to wait is nothing',
      run: { operation: 'drill', state: 'failed', error: busy },
      bad: [],
      good: [],
    },
    {
      name: 'a failed restore is critical',
      run: { operation: 'restore', state: 'failed', error },
      bad: ['critical restore-failed/shop 0'],
      good: [],
    },
    {
      name: 'failed pruning is a warning, and its success nobody waits for',
      run: { operation: 'prune', state: 'failed', error },
      bad: ['warning prune-failed/shop 0'],
      good: [],
    },
    { name: 'pruning', run: { operation: 'prune' }, bad: [], good: ['prune-failed/shop'] },
    {
      name: 'work by hand is watched by whoever does it',
      run: { operation: 'delete', state: 'failed', error },
      bad: [],
      good: [],
    },
    {
      name: 'the same by a program is not',
      run: { operation: 'import', state: 'failed', trigger: 'api', error },
      bad: ['warning import-failed/shop 0'],
      good: [],
    },
  ];
  it.each(cases)('$name', ({ run, bad, good, success = false }) => {
    const news = newsOfRun(runOf(run), contextOf(run));
    expect(news.problems.map(({ severity, key, holdMs }) => `${severity} ${key} ${holdMs / 60_000}`)).toEqual(bad);
    expect(news.good.map(({ key }) => key)).toEqual(good);
    expect(news.success !== null).toBe(success);
  });

  it('a failed restore has happened, a failed drill lasts', () => {
    const lasting = (operation: RunRecord['operation']) =>
      newsOfRun(runOf({ operation, state: 'failed', error }), contextOf({})).problems.map((problem) => problem.lasting);
    expect([lasting('restore'), lasting('drill')]).toEqual([[false], [true]]);
  });

  it('no result of any run, by whatever version, keeps anybody from being told', () => {
    const names = [
      'id',
      'ok',
      'storage',
      'durationMs',
      'seconds',
      'bytes',
      'artifacts',
      'copies',
      'tables',
      'sequences',
      'removed',
      'rows',
      'warnings',
      'failed',
      'checks',
    ];
    const pieces = fc.oneof(fc.jsonValue(), fc.constant(null), fc.array(fc.record({ bytes: fc.jsonValue() })));
    const results = fc.oneof(fc.dictionary(fc.constantFrom(...names), pieces), fc.jsonValue());
    const kinds = fc.constantFrom(...operations);
    const states = fc.constantFrom('succeeded', 'partial', 'failed', 'cancelled', 'interrupted');
    fc.assert(
      fc.property(results, kinds, states, (result, operation, state) => {
        const run = runOf({ operation, state: state as RunRecord['state'], result });
        expect(() => newsOfRun(run, contextOf(run))).not.toThrow();
      }),
    );
    // A whole backup that was fetched says so with null.
    const fetched = runOf({ operation: 'copy', result: { id: 'b', artifacts: null, bytes: 5 } });
    expect(newsOfRun(fetched, contextOf(fetched)).problems).toEqual([]);
  });

  it('every text says what it is about, and a problem what to do', () => {
    for (const { run } of cases) {
      const { problems, good } = newsOfRun(runOf(run), contextOf(run));
      for (const { texts } of problems) {
        expect(texts.todo.length).toBeGreaterThan(0);
        expect(texts.what).toMatch(/^[A-Z].*\.$/);
      }
      for (const { title } of [...problems, ...good].map(({ texts }) => texts)) {
        expect(title).toContain('shop');
        expect(title).not.toMatch(/undefined|null|\.$/);
      }
    }
  });
});

function runOf(change: Partial<RunRecord>): RunRecord {
  return {
    id: 'run-1',
    operation: 'backup',
    source: 'shop',
    backup: null,
    trigger: 'manual',
    state: 'succeeded',
    startedAt: '2026-11-21T02:00:00.000Z',
    finishedAt: '2026-11-21T02:00:12.000Z',
    host: 'web-1',
    pid: 1,
    process: null,
    error: null,
    result: null,
    ...change,
  };
}

function contextOf({ trigger }: Partial<RunRecord>): RunContext {
  return {
    now: new Date('2026-11-21T02:00:13.000Z'),
    instance: 'web-1',
    timezone: 'UTC',
    placeOf: () => null,
    lastGood: null,
    failures: 1,
    owed: [],
    retryInMs: trigger === 'schedule' ? 300_000 : null,
  };
}
