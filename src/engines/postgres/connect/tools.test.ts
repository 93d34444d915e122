import { describe, expect, test } from 'vitest';
import { parseToolVersion } from './tool-version.ts';
import { chooseTools } from './tools.ts';

describe('J-d15 which client tools', () => {
  const found = [18, 14, 15, 17].map((major) => ({ version: `${major}.4`, major, minor: 4 }));
  test.each([
    [{ minimum: 15, preferred: 15 }, 15],
    [{ minimum: 16, preferred: 16 }, 17],
    [{ minimum: 18, preferred: 18 }, 18],
    [{ minimum: 19, preferred: 19 }, undefined],
    [{ minimum: null, preferred: null }, 18],
    [{ minimum: null, preferred: 13 }, 14],
    [{ minimum: 17, preferred: 15 }, 17],
    [{ minimum: 15, preferred: 20 }, 18],
  ])('%j', (wish, expected) => expect(chooseTools(found, wish)?.major).toBe(expected));

  test('of the same major the newest patch', () => {
    const patches = [5, 11, 9].map((minor) => ({ version: `15.${minor}`, major: 15, minor }));
    expect(chooseTools(patches, { minimum: 15, preferred: 15 })?.minor).toBe(11);
    expect(chooseTools(patches, { minimum: null, preferred: null })?.minor).toBe(11);
  });
});

test.each([
  ['pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '15.18'],
  ['pg_dump (PostgreSQL) 17.11', '17.11'],
  ['pg_dump (PostgreSQL) 18beta1', '18.0'],
  ['pg_dump (EnterpriseDB) 16.2.0', '16.2'],
  ['nothing of the kind', undefined],
])('the version in %j', (text, expected) => expect(parseToolVersion(text)?.version).toBe(expected));
