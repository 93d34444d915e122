import { expect, test } from 'vitest';
import { actions, allows, roles } from '../../../../src/access/roles.ts';
import { actionsFor, expiryOf } from './token-wish.ts';

test.each(roles)('a token of role %s can be narrowed to what the role may', (role) => {
  const may = actions.filter(
    (action) => action !== 'read' && allows({ role, sources: null, actions: null }, action, null),
  );
  expect(actionsFor(role).toSorted()).toEqual(may.toSorted());
});

test('a token ends after so many days, or never', () => {
  const now = new Date('2026-02-27T12:00:00.000Z');
  expect(expiryOf('7', now)).toBe('2026-03-06T12:00:00.000Z');
  expect(expiryOf('never', now)).toBeNull();
});
