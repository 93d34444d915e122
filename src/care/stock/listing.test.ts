import { expect, test } from 'vitest';
import type { BackupFacts, BackupRow, ProofRecord } from '../../catalog/catalog.ts';
import { combineRows } from './listing.ts';

const facts: BackupFacts = {
  startedAt: '2026-11-20T05:15:00.000Z',
  finishedAt: '2026-11-20T05:16:00.000Z',
  durationMs: 60_000,
  trigger: 'manual',
  safetyFor: null,
  description: 'before 2.0',
  instance: 'web-1',
  bytes: 1000,
  rawBytes: null,
  artifacts: 1,
  database: null,
  warnings: 0,
  only: null,
  lacks: [],
};

function row(change: Partial<BackupRow>): BackupRow {
  const id = '2026-11-20_05-15-00';
  return {
    storage: 'local',
    source: 'shop',
    id,
    state: 'complete',
    stamp: '',
    facts,
    problem: null,
    held: null,
    ...change,
  };
}

function proof(change: Partial<ProofRecord>): ProofRecord {
  return {
    kind: 'verify',
    source: 'shop',
    backup: '2026-11-20_05-15-00',
    storage: 'local',
    at: '2026-11-21T00:00:00.000Z',
    ok: true,
    depth: 'structure',
    seconds: 2,
    result: null,
    ...change,
  };
}

test('copies of one backup are one entry with the state of each storage', () => {
  const [backup, ...others] = combineRows(
    'shop',
    ['local', 'offsite', 'tape'],
    [row({}), row({ storage: 'offsite', state: 'incomplete' })],
    [],
  );
  expect(others).toEqual([]);
  expect(backup).toEqual({
    id: '2026-11-20_05-15-00',
    source: 'shop',
    createdAt: '2026-11-20T05:15:00.000Z',
    description: 'before 2.0',
    bytes: 1000,
    sharedBytes: 0,
    addedBytes: 1000,
    seconds: 60,
    state: 'complete',
    copies: { local: 'complete', offsite: 'incomplete', tape: 'missing' },
    verified: null,
    drilled: null,
    held: false,
    trigger: 'manual',
  });
});

test('newest first, by the time in the manifest and not by the name', () => {
  const older = row({ id: '2026-12-24_00-00-00', facts: { ...facts, startedAt: '2026-01-01T00:00:00.000Z' } });
  const unreadable = row({ id: '2026-11-19_00-00-00', state: 'corrupt', facts: null });
  expect(combineRows('shop', ['local'], [older, row({}), unreadable], []).map(({ id }) => id)).toEqual([
    '2026-11-20_05-15-00',
    '2026-11-19_00-00-00',
    '2026-12-24_00-00-00',
  ]);
});

test('the newest proof of each kind is shown', () => {
  const proofs = [
    proof({ kind: 'drill', depth: null, seconds: 12 }),
    proof({}),
    proof({ at: '2026-11-20T06:00:00.000Z', ok: false }),
  ];
  const [backup] = combineRows('shop', ['local'], [row({})], proofs);
  expect(backup).toMatchObject({
    state: 'complete',
    verified: { depth: 'structure', at: '2026-11-21T00:00:00.000Z', ok: true },
    drilled: { at: '2026-11-21T00:00:00.000Z', ok: true, seconds: 12 },
  });
});

test('a copy that a verification found damaged is corrupt, however whole its manifest is; another copy keeps the backup', () => {
  const rows = [row({}), row({ storage: 'offsite' })];
  const [backup] = combineRows('shop', ['local', 'offsite'], rows, [proof({ ok: false })]);
  expect(backup).toMatchObject({ state: 'complete', copies: { local: 'corrupt', offsite: 'complete' } });
  const [alone] = combineRows('shop', ['local'], [row({})], [proof({ ok: false })]);
  expect(alone).toMatchObject({ state: 'corrupt' });
});

test('held in one storage is held', () => {
  const [backup] = combineRows(
    'shop',
    ['local', 'offsite'],
    [row({}), row({ storage: 'offsite', held: { at: '', reason: null } })],
    [],
  );
  expect(backup?.held).toBe(true);
});

test('a later look at the bytes alone does not undo a structure check, damage does', () => {
  const structure = proof({ at: '2026-11-21T00:00:00.000Z' });
  const shallow = proof({ at: '2026-11-22T00:00:00.000Z', depth: 'checksum' });
  const damaged = proof({ at: '2026-11-23T00:00:00.000Z', depth: 'checksum', ok: false });
  const verifiedBy = (...proofs: ProofRecord[]) => combineRows('shop', ['local'], [row({})], proofs)[0]?.verified;
  expect(verifiedBy(shallow, structure)).toMatchObject({ depth: 'structure', ok: true });
  expect(verifiedBy(damaged, shallow, structure)).toMatchObject({ depth: 'checksum', ok: false });
});

test('a copy that is owed is pending; one that lies there is what it is', () => {
  const owed = { source: 'shop', backup: '2026-11-20_05-15-00', attempts: 1, nextAt: '', lastError: null, since: '' };
  const queue = [
    { ...owed, storage: 'offsite' },
    { ...owed, storage: 'local' },
  ];
  const [backup] = combineRows('shop', ['local', 'offsite', 'tape'], [row({})], [], queue);
  expect(backup?.copies).toEqual({ local: 'complete', offsite: 'pending', tape: 'missing' });
});
