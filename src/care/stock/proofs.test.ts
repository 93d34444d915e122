import { describe, expect, test } from 'vitest';
import type { BackupRow, ProofRecord } from '../../catalog/catalog.ts';
import { standings } from './proofs.ts';

const row: BackupRow = {
  storage: 'local',
  source: 'shop',
  id: '2026-11-20_05-15-00',
  state: 'complete',
  stamp: '',
  facts: null,
  problem: null,
  held: null,
};

function proof(kind: ProofRecord['kind'], at: string, ok: boolean, facts: Partial<ProofRecord> = {}): ProofRecord {
  return {
    kind,
    source: 'shop',
    backup: row.id,
    storage: 'local',
    at,
    ok,
    depth: null,
    seconds: 1,
    result: null,
    ...facts,
  };
}

const good = { ok: true, drilledOk: false, proven: false };
const bad = { ok: false, drilledOk: false, proven: false };
const readBack = { ...good, proven: true };

describe('standings', () => {
  const cases: [title: string, proofs: ProofRecord[], row: BackupRow, expected: typeof good][] = [
    ['complete and never looked at', [], row, good],
    ['corrupt', [], { ...row, state: 'corrupt' }, bad],
    ['drilled', [proof('drill', '1', true)], row, { ...readBack, drilledOk: true }],
    ['drilled once, corrupt now', [proof('drill', '1', true)], { ...row, state: 'corrupt' }, bad],
    ['the last drill failed', [proof('drill', '1', true), proof('drill', '2', false)], row, bad],
    [
      'the last verification failed',
      [proof('verify', '2', false), proof('verify', '1', true), proof('drill', '1', true)],
      row,
      bad,
    ],
    ['mended since', [proof('verify', '1', false), proof('verify', '2', true)], row, readBack],
    ['another copy is damaged', [proof('verify', '1', false, { storage: 'offsite' })], row, good],
    ['another backup is drilled', [proof('drill', '1', true, { backup: 'other' })], row, good],
  ];
  test.each(cases)('%s', (_title, proofs, which, expected) => {
    expect(standings(proofs)(which)).toEqual(expected);
  });
});
