import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findingCodes } from './finding-codes.ts';

const page = readFileSync(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8');

test('every finding stands in docs/monitoring.md, and nothing else does', () => {
  const told = [...page.matchAll(/^\| `([A-Z_]+)` \| (critical|warning)/gm)].map(([, code]) => code);
  // Found by the alerts themselves.
  expect(new Set(told)).toEqual(new Set([...findingCodes, 'ALERT_UNDELIVERED']));
  expect(told).toHaveLength(new Set(told).size);
});
