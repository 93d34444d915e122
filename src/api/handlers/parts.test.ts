import { expect, test } from 'vitest';
import type { Finding } from '../../care/alerts/finding.ts';
import type { Source } from '../../care/source.ts';
import type { Call } from '../register.ts';
import { findingsFor } from './parts.ts';

const finding = (change: Partial<Finding>): Finding => ({
  code: 'SPACE_SHORT',
  severity: 'critical',
  source: null,
  storage: null,
  value: null,
  threshold: null,
  message: '',
  meaning: '',
  hint: '',
  ...change,
});

function told(sources: string[] | null, change: Partial<Finding>): boolean {
  const call = { principal: { grant: { role: 'viewer', sources, actions: null } } } as unknown as Call;
  const mine = [{ name: 'shop', storages: [{ name: 'local' }] }] as unknown as Source[];
  return findingsFor(call, mine, [finding(change)]).length === 1;
}

test.each<[string, Partial<Finding>, boolean]>([
  ['of its source', { source: 'shop' }, true],
  ['of another source', { source: 'other' }, false],
  ['of the installation', {}, true],
  ['of a storage of its source', { storage: 'local' }, true],
  ['of a storage of others', { storage: 'vault' }, false],
  ['of its storage, with the numbers of another source', { storage: 'local', tellsOf: 'other' }, false],
  ['of its storage, with its own numbers', { storage: 'local', tellsOf: 'shop' }, true],
])('S24: whoever may see one source is told of what a check found %s: %j is %s', (_name, change, is) => {
  expect(told(['shop'], change)).toBe(is);
  expect(told(null, change)).toBe(true);
});
