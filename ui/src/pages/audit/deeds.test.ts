import { expect, test } from 'vitest';
import { routes } from '../../../../src/api/contract.ts';
import { deeds } from './deeds.ts';

test('everything that the server writes down has a name in the console', () => {
  const written = Object.entries(routes)
    .filter(([, { method, action }]) => method !== 'GET' || action === 'download')
    .map(([name]) => name);
  expect(deeds.toSorted()).toEqual(written.toSorted());
});
