import { describe, expect, test } from 'vitest';
import { backupId } from '../../../base/ids.ts';
import type { BackupRow, CopyRecord, ProofRecord, RunRecord } from '../../../catalog/catalog.ts';
import type { Facts, InstallationFacts, KnownCopy, SourceFacts, StorageFacts } from '../facts.ts';
import type { MonitorSettings, SourceSchedule } from '../settings.ts';
import { applyRules } from './index.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const kb = 1024;
const mb = 1024 * kb;
const gb = 1024 * mb;
const now = new Date('2026-11-20T12:00:00Z');

function ago(ms: number): Date {
  return new Date(now.getTime() - ms);
}

interface Made {
  storage?: string;
  bytes?: number;
  ok?: boolean;
  state?: BackupRow['state'];
  trigger?: string;
  format?: string;
  durationMs?: number;
  instance?: string;
}

function copy(at: Date, made: Made = {}): KnownCopy {
  const { storage = 'local', bytes = 10 * mb, state = 'complete', trigger = 'schedule', format = 'custom' } = made;
  const { durationMs = 5000, instance = 'test' } = made;
  const database = { engine: 'postgres', name: 'shop', serverVersion: '15', format, sizeBytes: 0, tables: 1, rows: 5 };
  const facts = {
    startedAt: at.toISOString(),
    finishedAt: new Date(at.getTime() + durationMs).toISOString(),
    durationMs,
    trigger,
    safetyFor: null,
    description: null,
    instance,
    bytes,
    rawBytes: null,
    artifacts: 1,
    database,
    warnings: 0,
    only: null,
    lacks: [],
  };
  const row = { storage, source: 'shop', id: backupId(at), state, stamp: '', problem: null, held: null };
  return { row: { ...row, facts: state === 'complete' ? facts : null }, ok: made.ok ?? state === 'complete' };
}

/** One a day, the newest an hour old. */
function nightly(count: number, made: Made = {}): KnownCopy[] {
  return Array.from({ length: count }, (_, n) => copy(ago(hour + (count - 1 - n) * day), made));
}

function sized(...megabytes: number[]): KnownCopy[] {
  return megabytes.map((size, n) => copy(ago(hour + (megabytes.length - 1 - n) * day), { bytes: size * mb }));
}

/** Backups of a source that shares: so much each, and so much of it new. */
function sharing(bytes: number, addedBytes: number): KnownCopy[] {
  return nightly(4, { bytes }).map(({ row, ok }) => ({
    row: { ...row, facts: row.facts && { ...row.facts, sharedBytes: bytes, addedBytes } },
    ok,
  }));
}

function proof(kind: ProofRecord['kind'], at: Date, change: Partial<ProofRecord> = {}): ProofRecord {
  const backup = backupId(ago(hour));
  return {
    kind,
    source: 'shop',
    backup,
    storage: 'local',
    at: at.toISOString(),
    ok: true,
    depth: null,
    seconds: 1,
    result: null,
    ...change,
  };
}

function owed(since: Date, change: Partial<CopyRecord> = {}): CopyRecord {
  const lastError = { code: 'STORAGE_UNREACHABLE', message: 'no answer', hint: null };
  const record = { source: 'shop', backup: backupId(ago(hour)), storage: 'offsite', attempts: 1, lastError };
  return { ...record, nextAt: now.toISOString(), since: since.toISOString(), ...change };
}

function ended(operation: RunRecord['operation'], at: Date, state: RunRecord['state']): RunRecord {
  const error = state === 'failed' ? { code: 'DUMP_FAILED', message: 'pg_dump ended with 1', hint: null } : null;
  return {
    id: 'run',
    operation,
    source: 'shop',
    backup: null,
    trigger: 'schedule',
    state,
    startedAt: at.toISOString(),
    finishedAt: now.toISOString(),
    host: 'h',
    pid: 1,
    process: null,
    error,
    result: null,
  };
}

const usual: MonitorSettings = {
  minBackups: 1,
  maxSize: 10 * gb,
  maxAgeMs: 'auto',
  overdueMs: 'auto',
  staleDrillMs: 14 * day,
  staleVerifyMs: 14 * day,
  lateCopyMs: day,
  sizeDrop: 0.5,
  sizeJump: 2,
};

function every(everyMs: number, change: Partial<SourceSchedule> = {}): SourceSchedule {
  const nextAfter = (at: Date) => new Date(at.getTime() + everyMs);
  return {
    source: 'shop',
    planned: true,
    backupEveryMs: everyMs,
    jitterMs: 0,
    nextAfter,
    drillEveryMs: null,
    ...change,
  };
}

type Change = Omit<Partial<SourceFacts>, 'settings'> & { settings?: Partial<SourceFacts['settings']> };

function source({ settings, ...change }: Change = {}): SourceFacts {
  return {
    name: 'shop',
    settings: { ...usual, ...settings },
    schedule: null,
    storages: [{ name: 'local', local: true, asked: true, missingKeys: [], vanished: [] }],
    deleteLocalAfterCopy: false,
    copies: nightly(4),
    proofs: [proof('verify', ago(hour)), proof('drill', ago(day))],
    queue: [],
    lastRun: { backup: null, prune: null, drill: null },
    running: false,
    database: { title: 'shop on db', unreachable: null, clockAheadMs: 0 },
    keyTrouble: null,
    ...change,
  };
}

function storageFacts(change: Partial<StorageFacts> = {}): StorageFacts {
  return {
    name: 'local',
    title: '/srv/backups',
    minFree: { part: 0.1 },
    unreachable: null,
    missing: false,
    notWritable: null,
    free: { bytes: 50 * gb, total: 100 * gb },
    clockAheadMs: 0,
    git: null,
    ...change,
  };
}

interface Scene {
  source?: Change;
  storage?: Partial<StorageFacts>;
  installation?: Partial<InstallationFacts>;
}

function factsOf({ source: own, storage, installation }: Scene): Facts {
  const fine = { state: '/var/lib/holdfast', stateTrouble: null, scheduled: 0, daemon: null };
  return {
    now,
    storages: [storageFacts(storage)],
    sources: [source(own)],
    installation: { ...fine, ...installation },
  };
}

function found(scene: Scene): string[] {
  return applyRules(factsOf(scene)).map(({ code, severity }) => `${code} ${severity}`);
}

const trouble = { code: 'STORAGE_UNREACHABLE', message: 'no answer', hint: null };
const twoPlaces = [
  { name: 'local', local: true, asked: true, missingKeys: [], vanished: [] },
  { name: 'offsite', local: false, asked: true, missingKeys: [], vanished: [] },
];
const inBoth = [...nightly(2), ...nightly(2, { storage: 'offsite' })];

test('S24: what tells of one source says so, and how many have schedules is nobody’s business who may see some', () => {
  const short = applyRules(factsOf({ storage: { minFree: null, free: { bytes: 0, total: gb } } }));
  expect(short).toMatchObject([{ code: 'SPACE_SHORT', source: null, tellsOf: 'shop' }]);
  expect(applyRules(factsOf({ installation: { scheduled: 17 } }))[0]?.message).not.toContain('17');
});

test('where all is well, nothing is found', () => {
  expect(found({})).toEqual([]);
});

test.each<[string, Scene, string[]]>([
  ['J-12, J-13 unreachable', { storage: { unreachable: trouble } }, ['STORAGE_UNREACHABLE critical']],
  ['J-12, J-13 the folder is not there', { storage: { missing: true } }, ['STORAGE_MISSING critical']],
  ['not writable', { storage: { notWritable: trouble } }, ['STORAGE_NOT_WRITABLE critical']],
  ['exactly a tenth free is enough', { storage: { free: { bytes: 10 * gb, total: 100 * gb } } }, []],
  ['J-13 less is a warning', { storage: { free: { bytes: 10 * gb - 1, total: 100 * gb } } }, ['SPACE_SHORT warning']],
  [
    'as much as the last backup took',
    { storage: { free: { bytes: 10 * mb, total: 100 * gb } } },
    ['SPACE_SHORT warning'],
  ],
  ['J-13 less is critical', { storage: { free: { bytes: 10 * mb - 1, total: 100 * gb } } }, ['SPACE_SHORT critical']],
  ['a size as threshold', { storage: { minFree: { bytes: 60 * gb } } }, ['SPACE_SHORT warning']],
  ['a size that is there', { storage: { minFree: { bytes: 50 * gb } } }, []],
  [
    'of shared objects only what is new has to fit',
    { storage: { minFree: null, free: { bytes: 2 * gb, total: 100 * gb } }, source: { copies: sharing(5 * gb, gb) } },
    [],
  ],
  [
    'as much as the most of the last five added',
    {
      storage: { minFree: null, free: { bytes: 2 * gb, total: 100 * gb } },
      source: { copies: [...sharing(5 * gb, 3 * gb).slice(0, 1), ...sharing(5 * gb, gb).slice(1)] },
    },
    ['SPACE_SHORT critical'],
  ],
  ['off, but it does not fit', { storage: { minFree: null, free: { bytes: 0, total: gb } } }, ['SPACE_SHORT critical']],
  ['a storage that does not know', { storage: { free: null } }, []],
  ['a clock five minutes ahead', { storage: { clockAheadMs: 5 * minute } }, []],
  ['a clock further ahead', { storage: { clockAheadMs: 5 * minute + 1 } }, ['CLOCK_SKEW warning']],
  ['a clock further behind', { storage: { clockAheadMs: -5 * minute - 1 } }, ['CLOCK_SKEW warning']],
  ['O-d15 in a git work tree', { storage: { git: { folder: '/a/b', tree: '/a' } } }, ['BACKUPS_IN_GIT warning']],
])('storages: %s', (_, scene, expected) => {
  expect(found(scene)).toEqual(expected);
});

describe('backups', () => {
  test.each<[string, Change, string[]]>([
    ['J-12, J-13 none at all', { copies: [], proofs: [] }, ['NO_BACKUP critical']],
    ['none, the first is being taken', { copies: [], proofs: [], running: true }, ['NO_BACKUP warning']],
    ['none that is good', { copies: nightly(3, { ok: false }) }, ['NO_BACKUP critical']],
    ['only those made for safety', { copies: nightly(2, { trigger: 'safety' }) }, ['NO_BACKUP critical']],
    [
      'nothing is known of storages that do not answer',
      {
        copies: [],
        proofs: [],
        storages: [{ name: 'local', local: true, asked: false, missingKeys: [], vanished: [] }],
      },
      [],
    ],
    ['J-12 as many as wanted', { settings: { minBackups: 4 } }, []],
    ['J-12 fewer', { settings: { minBackups: 5 } }, ['TOO_FEW_BACKUPS warning']],
    [
      'damaged ones do not count',
      { settings: { minBackups: 4 }, copies: [copy(ago(4 * day), { ok: false }), ...nightly(3)] },
      ['TOO_FEW_BACKUPS warning'],
    ],
    [
      'two copies of one are one backup',
      { settings: { minBackups: 3 }, storages: twoPlaces, copies: inBoth },
      ['TOO_FEW_BACKUPS warning'],
    ],
  ])('%s', (_, change, expected) => {
    expect(found({ source: change })).toEqual(expected);
  });

  test.each<[string, Change, string[]]>([
    ['J-d5 the oldest is never looked at', { copies: [copy(ago(300 * day)), ...nightly(4)] }, []],
    ['J-12 48 hours without a schedule', { copies: [copy(ago(48 * hour))] }, []],
    ['J-12 and more', { copies: [copy(ago(48 * hour + 1))] }, ['BACKUP_TOO_OLD critical']],
    [
      'a limit of its own',
      { settings: { maxAgeMs: hour }, copies: [copy(ago(hour + 1))] },
      ['BACKUP_TOO_OLD critical'],
    ],
    ['switched off', { settings: { maxAgeMs: null }, copies: [copy(ago(9 * day))] }, []],
    ['a schedule says more', { schedule: every(7 * day), copies: [copy(ago(6 * day))] }, []],
    ['late by the grace, a tenth', { schedule: every(day), copies: [copy(ago(day + 2.4 * hour))] }, []],
    ['N-d1 later', { schedule: every(day), copies: [copy(ago(day + 2.4 * hour + 1))] }, ['BACKUP_OVERDUE critical']],
    [
      'put off by its jitter, as planned',
      { schedule: every(day, { jitterMs: 8 * hour }), copies: [copy(ago(day + 10.4 * hour))] },
      [],
    ],
    [
      'and later than that',
      { schedule: every(day, { jitterMs: 8 * hour }), copies: [copy(ago(day + 10.4 * hour + 1))] },
      ['BACKUP_OVERDUE critical'],
    ],
    [
      'a jitter is never more than half of the distance',
      { schedule: every(hour, { jitterMs: 8 * hour }), copies: [copy(ago(105 * minute + 1))] },
      ['BACKUP_OVERDUE critical'],
    ],
    ['a grace of 15 minutes at least', { schedule: every(hour), copies: [copy(ago(75 * minute))] }, []],
    ['and later', { schedule: every(hour), copies: [copy(ago(75 * minute + 1))] }, ['BACKUP_OVERDUE critical']],
    [
      '6 hours at most',
      { schedule: every(30 * day), copies: [copy(ago(30 * day + 6 * hour + 1))] },
      ['BACKUP_OVERDUE critical'],
    ],
    [
      'longer where backups take long',
      { schedule: every(hour), copies: [copy(ago(95 * minute), { durationMs: 20 * minute })] },
      [],
    ],
    [
      'a grace of its own',
      { settings: { overdueMs: hour }, schedule: every(day), copies: [copy(ago(25 * hour + 1))] },
      ['BACKUP_OVERDUE critical'],
    ],
    [
      'a damaged newest does not help',
      { schedule: every(day), copies: [copy(ago(3 * day)), copy(ago(hour), { ok: false })] },
      ['BACKUP_OVERDUE critical'],
    ],
    [
      'one for safety does not help',
      { schedule: every(day), copies: [copy(ago(3 * day)), copy(ago(hour), { trigger: 'safety' })] },
      ['BACKUP_OVERDUE critical'],
    ],
    [
      'overdue says it once',
      { settings: { maxAgeMs: hour }, schedule: every(day), copies: [copy(ago(3 * day))] },
      ['BACKUP_OVERDUE critical'],
    ],
    ['a little ahead of our clock', { copies: [copy(ago(-5 * minute))] }, []],
    [
      'from the future: not counted, so that it does not hide that the last is old',
      { schedule: every(day), copies: [copy(ago(3 * day)), copy(ago(-day))] },
      ['BACKUP_OVERDUE critical', 'BACKUP_FROM_FUTURE warning'],
    ],
  ])('age: %s', (_, change, expected) => {
    expect(
      found({
        source: { proofs: [], ...change, settings: { ...change.settings, staleDrillMs: null, staleVerifyMs: null } },
      }),
    ).toEqual(expected);
  });
});

test.each<[string, Change, string[]]>([
  ['J-12 as big as allowed', { settings: { maxSize: 10 * mb } }, []],
  ['J-12, J-13 bigger', { settings: { maxSize: 10 * mb - 1 } }, ['BACKUP_TOO_BIG warning']],
  [
    'J-d6 every size is seen, of any format and age',
    {
      settings: { maxSize: 20 * mb },
      copies: [copy(ago(9 * day), { bytes: 30 * mb, format: 'plain' }), ...nightly(4)],
    },
    ['BACKUP_TOO_BIG warning'],
  ],
  ['not looked at', { settings: { maxSize: null }, copies: sized(99, 99) }, []],
  ['half of the median', { copies: sized(10, 8, 12, 5) }, []],
  ['less', { copies: sized(10, 8, 12, 4.9) }, ['SIZE_DROP warning']],
  ['to nothing', { copies: sized(10, 8, 12, 0) }, ['SIZE_DROP warning']],
  ['two before are not enough to compare with', { copies: sized(10, 10, 1) }, []],
  ['one strange one among the last does not matter', { copies: sized(10, 10, 1, 10, 10) }, []],
  ['three times the median', { copies: sized(10, 10, 10, 30) }, []],
  ['more', { copies: sized(10, 10, 10, 30.1) }, ['SIZE_JUMP warning']],
  ['of a small database, less than 1 MB more', { copies: sized(0.1, 0.1, 0.1, 1) }, []],
  ['another format', { copies: [...sized(10, 10, 10), copy(ago(minute), { bytes: mb, format: 'directory' })] }, []],
  ['an import', { copies: [...sized(10, 10, 10), copy(ago(minute), { bytes: mb, trigger: 'import' })] }, []],
  ['switched off', { settings: { sizeDrop: null, sizeJump: null }, copies: sized(10, 10, 10, 1) }, []],
])('sizes: %s', (_, change, expected) => {
  expect(found({ source: change })).toEqual(expected);
});

/** Oldest first, six hours apart: who made each. */
function madeBy(...instances: string[]): KnownCopy[] {
  return instances.map((instance, at) => copy(ago(hour + (instances.length - 1 - at) * 6 * hour), { instance }));
}

test.each<[string, KnownCopy[], string | null]>([
  ['one', madeBy('web-1', 'web-1', 'web-1'), null],
  ['a move to another machine', madeBy('web-1', 'web-1', 'web-2', 'web-2'), null],
  ['a container with a new name each time', madeBy('c0ffee', 'decaf0', 'facade', 'beef00'), null],
  ['a single one by hand from elsewhere', madeBy('web-1', 'web-1', 'laptop', 'web-1'), null],
  [
    'two by turns',
    madeBy('web-1', 'staging', 'web-1', 'staging'),
    'web-1 and staging by turns, the newest from staging',
  ],
  ['two by turns, seldom', madeBy('web-1', 'staging', 'staging', 'web-1'), 'web-1 and staging by turns'],
  [
    'two by turns, long ago',
    [...madeBy('web-1', 'staging', 'web-1', 'staging'), ...madeBy(...Array<string>(30).fill('web-1'))].map((each, at) =>
      at < 4 ? copy(ago((40 - at) * day), { instance: each.row.facts?.instance ?? '' }) : each,
    ),
    null,
  ],
  [
    'safety backups of a restore from elsewhere',
    madeBy('web-1', 'laptop', 'web-1', 'laptop').map((each) => {
      const facts = each.row.facts;
      return facts?.instance === 'laptop'
        ? { ...each, row: { ...each.row, facts: { ...facts, trigger: 'safety' } } }
        : each;
    }),
    null,
  ],
])('whose backups they are: %s', (_, copies, told) => {
  const [finding, ...more] = applyRules(factsOf({ source: { copies } })).filter(
    ({ code }) => code === 'INSTALLATIONS_MIXED',
  );
  expect(more).toEqual([]);
  if (told === null) expect(finding).toBeUndefined();
  else expect(finding?.message).toContain(told);
});

test.each<[string, Change, string[]]>([
  ['in both', { storages: twoPlaces, copies: inBoth }, []],
  ['one that is being made', { queue: [owed(ago(hour), { attempts: 0 })] }, []],
  ['one begun long ago and not made', { queue: [owed(ago(hour + 1), { attempts: 0 })] }, ['COPY_PENDING warning']],
  ['S11 one that failed', { queue: [owed(ago(minute))] }, ['COPY_PENDING warning']],
  ['owed for a day', { queue: [owed(ago(day))] }, ['COPY_PENDING warning']],
  ['and longer', { queue: [owed(ago(day + 1))] }, ['COPY_PENDING critical']],
  ['S22 since a day that is yet to come', { queue: [owed(ago(-2 * day))] }, ['COPY_PENDING critical']],
  ['S22 begun then', { queue: [owed(ago(-2 * day), { attempts: 0 })] }, ['COPY_PENDING critical']],
  ['to a storage the source has no more', { storages: twoPlaces.slice(0, 1), queue: [owed(ago(2 * day))] }, []],
  ['nowhere else and not on its way', { copies: nightly(2) }, ['COPY_MISSING warning']],
  ['for more than a day', { copies: [copy(ago(day + minute))] }, ['COPY_MISSING critical']],
  ['older ones thinned out there', { copies: [...nightly(4), ...nightly(1, { storage: 'offsite' })] }, []],
  ['not there while a backup is taken', { copies: [...inBoth, copy(ago(minute))], running: true }, []],
  ['not asked', { copies: nightly(2), storages: twoPlaces.map((place) => ({ ...place, asked: place.local })) }, []],
  ['removed here on purpose', { copies: nightly(2, { storage: 'offsite' }), deleteLocalAfterCopy: true }, []],
  [
    'damaged there',
    { copies: [...inBoth, copy(ago(9 * day), { storage: 'offsite', state: 'corrupt' })] },
    ['BACKUP_DAMAGED critical'],
  ],
  [
    'not readable from here, which is no damage',
    { copies: [...inBoth, copy(ago(9 * day), { storage: 'offsite', state: 'unreadable' })] },
    ['BACKUP_UNREADABLE critical'],
  ],
  [
    'a key that is gone',
    { storages: twoPlaces.map((place) => ({ ...place, missingKeys: place.local ? [] : ['keys/2026-11-20.age'] })) },
    ['KEY_FILE_MISSING critical'],
  ],
  [
    'backups that nobody here removed',
    { storages: twoPlaces.map((place) => ({ ...place, vanished: place.local ? [] : ['2026-11-19_03-00-00'] })) },
    ['BACKUPS_VANISHED critical'],
  ],
  [
    'a passphrase that opens nothing',
    { keyTrouble: { code: 'PASSPHRASE_WRONG', message: 'the passphrase does not open it', hint: null } },
    ['KEY_NOT_OPENED critical'],
  ],
])('copies: %s', (_, change, expected) => {
  expect(found({ source: { storages: twoPlaces, copies: inBoth, ...change } })).toEqual(expected);
});

test.each<[string, Change, string[]]>([
  ['verified 14 days ago', { proofs: [proof('verify', ago(14 * day)), proof('drill', now)] }, []],
  ['longer ago', { proofs: [proof('verify', ago(14 * day + 1)), proof('drill', now)] }, ['VERIFY_STALE warning']],
  [
    'never, and there are backups for 15 days',
    { proofs: [proof('drill', now)], copies: nightly(16) },
    ['VERIFY_STALE warning'],
  ],
  ['never, of young ones', { proofs: [], copies: nightly(2) }, []],
  ['J-23 drilled 14 days ago', { proofs: [proof('verify', now), proof('drill', ago(14 * day))] }, []],
  ['longer ago', { proofs: [proof('verify', now), proof('drill', ago(14 * day + 1))] }, ['DRILL_STALE warning']],
  [
    'never, and there are backups for 15 days',
    { proofs: [proof('verify', now)], copies: nightly(16) },
    ['DRILL_STALE warning'],
  ],
  [
    'planned once a month',
    { proofs: [proof('verify', now), proof('drill', ago(31 * day))], schedule: every(day, { drillEveryMs: 30 * day }) },
    [],
  ],
  [
    'planned once a month, and later than that',
    {
      proofs: [proof('verify', now), proof('drill', ago(31 * day + 1))],
      schedule: every(day, { drillEveryMs: 30 * day }),
    },
    ['DRILL_STALE warning'],
  ],
  ['switched off', { settings: { staleDrillMs: null, staleVerifyMs: null }, proofs: [], copies: nightly(40) }, []],
  [
    'a verification that failed',
    {
      proofs: [proof('verify', now, { ok: false }), proof('verify', ago(day)), proof('drill', now)],
      copies: [...nightly(3), copy(ago(hour), { ok: false })],
    },
    ['VERIFY_FAILED critical'],
  ],
  [
    'and passed since',
    { proofs: [proof('verify', now), proof('verify', ago(day), { ok: false }), proof('drill', now)] },
    [],
  ],
  [
    'of a backup that is gone',
    {
      proofs: [
        proof('verify', now, { ok: false, backup: '2026-01-01_00-00-00' }),
        proof('verify', now),
        proof('drill', now),
      ],
    },
    [],
  ],
  [
    'a drill that failed',
    { proofs: [proof('verify', now), proof('drill', now, { ok: false }), proof('drill', ago(day))] },
    ['DRILL_FAILED critical'],
  ],
  [
    'and passed since',
    { proofs: [proof('verify', now), proof('drill', now), proof('drill', ago(day), { ok: false })] },
    [],
  ],
  [
    'a drill that broke off',
    { lastRun: { backup: null, prune: null, drill: ended('drill', now, 'failed') } },
    ['DRILL_FAILED critical'],
  ],
  [
    'a drill that broke off after a clock that was ahead was set right',
    {
      proofs: [proof('verify', now), proof('drill', ago(-365 * day))],
      lastRun: { backup: null, prune: null, drill: ended('drill', ago(hour), 'failed') },
      copies: nightly(3),
    },
    ['DRILL_FAILED critical'],
  ],
  [
    'nothing but by a clock that was ahead',
    { proofs: [proof('verify', ago(-365 * day)), proof('drill', ago(-365 * day))], copies: nightly(16) },
    ['VERIFY_STALE warning', 'DRILL_STALE warning'],
  ],
  [
    'before one that passed',
    { lastRun: { backup: null, prune: null, drill: ended('drill', ago(2 * day), 'failed') } },
    [],
  ],
])('proofs: %s', (_, change, expected) => {
  expect(found({ source: change })).toEqual(expected);
});

test.each<[string, Change, string[]]>([
  [
    'N-d2 the last backup failed',
    { lastRun: { backup: ended('backup', ago(minute), 'failed'), prune: null, drill: null } },
    ['BACKUP_FAILED warning'],
  ],
  [
    'a good one has been taken since',
    { lastRun: { backup: ended('backup', ago(2 * day), 'failed'), prune: null, drill: null } },
    [],
  ],
  [
    'it was partial: the copy tells',
    { lastRun: { backup: ended('backup', ago(minute), 'partial'), prune: null, drill: null } },
    [],
  ],
  [
    'retention failed',
    { lastRun: { backup: null, prune: ended('prune', ago(minute), 'failed'), drill: null } },
    ['RETENTION_FAILED warning'],
  ],
  [
    'the database does not answer',
    { database: { title: 'shop', unreachable: trouble, clockAheadMs: null } },
    ['DATABASE_UNREACHABLE warning'],
  ],
  ['its clock is right', { database: { title: 'shop', unreachable: null, clockAheadMs: -5 * minute } }, []],
  [
    'its clock is wrong',
    { database: { title: 'shop', unreachable: null, clockAheadMs: 5 * minute + 1 } },
    ['CLOCK_SKEW warning'],
  ],
])('runs and databases: %s', (_, change, expected) => {
  expect(found({ source: change })).toEqual(expected);
});

test.each<[string, Partial<InstallationFacts>, string[]]>([
  ['the state cannot be written', { stateTrouble: trouble }, ['STATE_NOT_WRITABLE critical']],
  ['no schedule needs no daemon', { daemon: 'dead' }, []],
  ['J-d8, N-d15 a schedule and never a daemon', { scheduled: 1 }, ['DAEMON_DOWN warning']],
  ['stopped by somebody', { scheduled: 1, daemon: 'stopped' }, ['DAEMON_DOWN warning']],
  ['alive', { scheduled: 1, daemon: 'alive' }, []],
  ['N-d15 dead', { scheduled: 1, daemon: 'dead' }, ['DAEMON_DOWN critical']],
  ['N-d15 stuck', { scheduled: 1, daemon: 'stuck' }, ['DAEMON_DOWN critical']],
  ['N-d15 silent', { scheduled: 1, daemon: 'silent' }, ['DAEMON_DOWN critical']],
])('installation: %s', (_, installation, expected) => {
  expect(found({ installation })).toEqual(expected);
});

test('N-09, J-d4 warnings do not hide what is critical, and critical ones come first', () => {
  const scene: Scene = {
    source: { copies: sized(10, 10, 10, 1), settings: { minBackups: 9 }, queue: [] },
    storage: { unreachable: trouble, clockAheadMs: hour },
    installation: { scheduled: 1, daemon: 'dead' },
  };
  expect(found(scene)).toEqual([
    'DAEMON_DOWN critical',
    'STORAGE_UNREACHABLE critical',
    'TOO_FEW_BACKUPS warning',
    'SIZE_DROP warning',
    'CLOCK_SKEW warning',
  ]);
});

test('a finding says what is the matter, what it means and what to do, with value and threshold', () => {
  const [finding] = applyRules(factsOf({ source: { settings: { minBackups: 9 } } }));
  expect(finding).toEqual({
    code: 'TOO_FEW_BACKUPS',
    severity: 'warning',
    source: 'shop',
    storage: null,
    value: 4,
    threshold: 9,
    message: 'there are 4 good backups of shop, and should be 9',
    meaning: 'There is less to go back to than was asked for.',
    hint: 'Look at `holdfast list` for damaged ones and at the retention rules, or set `monitor.minBackups`.',
  });
});
