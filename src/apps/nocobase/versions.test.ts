import { expect, test } from 'vitest';
import { compareVersions, serverNumber } from './versions.ts';

test.each([
  ['2.2.15', '2.2.15', 0],
  ['2.2.16', '2.2.15', 1],
  ['2.2.9', '2.2.15', -6],
  ['2.10.0', '2.9.9', 1],
  ['2.2.15-beta.99', '2.2.15', 0],
  ['v2.2.15', '2.2.15', 0],
  ['3.0.0-alpha.1', '2.9.9', 1],
  ['next', '2.2.15', null],
])('B-08: %s against %s: only the three numbers count', (left, right, expected) => {
  expect(compareVersions(left, right)).toBe(expected);
});

test.each([
  ['postgres', 'PostgreSQL 15.18 (Debian 15.18-1)', 15_000],
  ['postgres', '9.6.24', 9006],
  ['postgres', '16.1', 16_000],
  ['mariadb', '10.11.19-MariaDB-0+deb12u1', 10_011],
  ['mariadb', '5.5.5-10.6.2-MariaDB', 10_006],
  ['mysql', '8.0.36', 8000],
  ['mysql', '8.4.1', 8004],
  ['sqlite', '3.46.0', null],
  ['postgres', 'unknown', null],
])('B-d1: the server %s %s as a number', (dialect, version, expected) => {
  expect(serverNumber(dialect, version)).toBe(expected);
});

test('B-d1: 9 is older than 16', () => {
  expect(serverNumber('postgres', '9.6') ?? 0).toBeLessThan(serverNumber('postgres', '16.2') ?? 0);
});
