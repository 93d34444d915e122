import { expect, test } from 'vitest';
import { findingKey, type Finding } from './finding.ts';
import { incidentFacts, incidentKey } from './incident-kinds.ts';

test.each([
  [incidentKey('backup-failed', 'shop'), { code: 'backup-failed', storage: null, backup: null }],
  [incidentKey('prune-failed', null), { code: 'prune-failed', storage: null, backup: null }],
  [incidentKey('damaged', 'shop', 'offsite', 'b1'), { code: 'damaged', storage: 'offsite', backup: 'b1' }],
  [
    findingKey({ code: 'SPACE_SHORT', source: null, storage: 'offsite' } as Finding),
    { code: 'SPACE_SHORT', storage: 'offsite', backup: null },
  ],
  [
    findingKey({ code: 'DAEMON_DOWN', source: null, storage: null } as Finding),
    { code: 'DAEMON_DOWN', storage: null, backup: null },
  ],
])('%s says what it is about', (key, facts) => {
  expect(incidentFacts(key)).toEqual(facts);
});
