import { describe, expect, it } from 'vitest';
import { flavourOf, numberOf } from './server-version.ts';
import { parseToolVersion } from './tool-version.ts';
import { chooseTool } from './tools.ts';

describe('what a client tool says it is', () => {
  it.each([
    ['mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)', 'mariadb', '10.11.19'],
    ['mysqldump  Ver 10.19 Distrib 10.6.12-MariaDB, for Linux (x86_64)', 'mariadb', '10.6.12'],
    ['mariadb-dump from 11.4.2-MariaDB, client 10.19 for debian-linux-gnu (x86_64)', 'mariadb', '11.4.2'],
    ['mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)', 'mysql', '8.0.36'],
    ['mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)', 'mysql', '5.7.44'],
    [
      'mariadb  Ver 15.1 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64) using  EditLine wrapper',
      'mariadb',
      '10.11.19',
    ],
  ])('%s', (text, flavour, version) => {
    expect(parseToolVersion(text)).toEqual({ flavour, version });
  });

  it('is nothing when it says something else', () => {
    expect(parseToolVersion('command not found')).toBeNull();
  });

  it.each([
    ['10.11.19-MariaDB-0+deb12u1', 'mariadb', '10.11.19'],
    ['5.5.5-10.6.1-MariaDB', 'mariadb', '10.6.1'],
    ['8.4.2', 'mysql', '8.4.2'],
  ])('a server %s', (text, flavour, version) => {
    expect(flavourOf(text)).toBe(flavour);
    expect(numberOf(text)).toBe(version);
  });
});

describe('which of several tools is used', () => {
  const tool = (flavour: 'mariadb' | 'mysql', version: string) => ({ flavour, version });
  const found = [
    tool('mysql', '8.0.36'),
    tool('mariadb', '10.6.12'),
    tool('mariadb', '11.4.2'),
    tool('mariadb', '10.11.2'),
    tool('mariadb', '10.11.19'),
  ];
  it.each([
    ['mariadb', '10.11.5', '10.11.19'],
    ['mariadb', '10.8.1', '10.11.19'],
    ['mariadb', '12.0.1', '11.4.2'],
    ['mysql', '8.4.0', '8.0.36'],
  ] as const)('for %s %s: %s', (flavour, version, chosen) => {
    expect(chooseTool(found, { flavour, version })?.version).toBe(chosen);
  });

  it("MySQL's never does for MariaDB, MariaDB's does for MySQL", () => {
    expect(chooseTool([tool('mysql', '8.0.36')], { flavour: 'mariadb', version: '10.11.1' })).toBeNull();
    expect(chooseTool([tool('mariadb', '10.11.2')], { flavour: 'mysql', version: '8.0.1' })?.flavour).toBe('mariadb');
  });
});
