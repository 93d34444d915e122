import { describe, expect, test } from 'vitest';
import { actions, allows, mayReadRun, roles, visible, type Action, type Grant } from './roles.ts';

const grant = (role: Grant['role'], more: Partial<Grant> = {}): Grant => ({
  role,
  sources: null,
  actions: null,
  ...more,
});

describe('what a role may (S24)', () => {
  const operatorMayNot: readonly Action[] = ['settings', 'access'];
  test.each(roles.flatMap((role) => actions.map((action) => [role, action] as const)))('%s: %s', (role, action) => {
    const expected = role === 'admin' || (role === 'operator' ? !operatorMayNot.includes(action) : action === 'read');
    expect(allows(grant(role), action, 'shop')).toBe(expected);
  });
});

test.each([
  ['its source', 'backup', 'shop', true],
  ['another source', 'backup', 'blog', false],
  ['an action it was not given', 'restore', 'shop', false],
  ['all sources at once', 'backup', null, false],
  ['reading its source, which comes with any action', 'read', 'shop', true],
  ['reading another source', 'read', 'blog', false],
  ['reading what is about no source', 'read', null, true],
] as const)('a token for backups of one source and %s', (_what, action, source, expected) => {
  expect(allows(grant('operator', { sources: ['shop'], actions: ['backup'] }), action, source)).toBe(expected);
});

test('a token never has more than its role', () => {
  expect(allows(grant('viewer', { actions: ['restore'] }), 'restore', 'shop')).toBe(false);
});

test('only visible sources are told', () => {
  expect(visible(grant('viewer', { sources: ['b'] }), [{ name: 'a' }, { name: 'b' }])).toEqual([{ name: 'b' }]);
});

test('S24: a run over all sources is seen by whoever may see all of them', () => {
  const scoped = grant('operator', { sources: ['shop'] });
  expect([null, 'shop', 'blog'].map((source) => mayReadRun(scoped, { source }))).toEqual([false, true, false]);
  expect([null, 'shop'].map((source) => mayReadRun(grant('viewer'), { source }))).toEqual([true, true]);
});
