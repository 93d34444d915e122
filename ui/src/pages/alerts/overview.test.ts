import { expect, test } from 'vitest';
import { overviewOf, type Incident } from './overview.ts';

const incident = (key: string, severity: Incident['severity'], openedAt: string): Incident => ({
  key,
  code: key,
  storage: null,
  backup: null,
  severity,
  source: null,
  title: key,
  openedAt,
  lastSeenAt: openedAt,
  times: 1,
  toldAt: null,
});

test('what is worst stands first, then what is oldest', () => {
  const incidents = [
    incident('new warning', 'warning', '2026-03-02T00:00:00Z'),
    incident('new', 'critical', '2026-03-03T00:00:00Z'),
    incident('warning', 'warning', '2026-03-01T00:00:00Z'),
    incident('old', 'critical', '2026-03-01T00:00:00Z'),
  ];
  const shown = overviewOf({ channels: [], undelivered: [], incidents }).incidents.map(({ key }) => key);
  expect(shown).toEqual(['old', 'new', 'warning', 'new warning']);
});

test('nothing configured is nothing to show', () => {
  expect(overviewOf(null)).toEqual({ channels: [], incidents: [], undelivered: [] });
});
