import { expect, test } from 'vitest';
import type { BackupView } from '../../../../src/api/contract.ts';
import { matches, offered } from './offered.ts';

function backup(id: string, change: Partial<BackupView> = {}): BackupView {
  return {
    id,
    source: 'shop',
    createdAt: '2026-03-01T10:00:00.000Z',
    description: null,
    bytes: 1,
    sharedBytes: 0,
    addedBytes: 1,
    seconds: 1,
    state: 'complete',
    copies: {},
    verified: null,
    drilled: null,
    held: false,
    trigger: 'manual',
    ...change,
  };
}

test('S1: what is not whole is not offered', () => {
  const page = [backup('a'), backup('b', { state: 'incomplete' }), backup('c', { state: 'corrupt' })];
  expect(offered(page, null).map(({ id }) => id)).toEqual(['a']);
  expect(offered(page, backup('d', { state: 'corrupt' })).map(({ id }) => id)).toEqual(['a']);
});

test('the one an address names is there once, wherever it lies', () => {
  const page = [backup('a'), backup('b')];
  expect(offered(page, backup('z')).map(({ id }) => id)).toEqual(['z', 'a', 'b']);
  expect(offered(page, backup('b')).map(({ id }) => id)).toEqual(['a', 'b']);
});

test('a search finds by any of the words that are shown', () => {
  const one = backup('20260301T100000Z-abcd', { description: 'Before the Upgrade' });
  expect(matches(one, '')).toBe(true);
  expect(matches(one, 'upgrade 2026-03')).toBe(true);
  expect(matches(one, 'ABCD')).toBe(true);
  expect(matches(one, 'upgrade april')).toBe(false);
});
