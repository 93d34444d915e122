import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flavourOf, numberOf } from './server-version.ts';
import { parseToolVersion } from './tool-version.ts';
import { chooseTool, toolsThere } from './tools.ts';

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

describe('which tools there are', () => {
  const { signal } = new AbortController();
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-tools-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A program that notes by which name it was called. */
  async function program(name: string, version: string) {
    const file = join(folder, name);
    await writeFile(
      file,
      `#!/bin/sh\necho "\${0##*/}" >>${join(folder, 'called')}\necho "x  Ver 10.19 Distrib ${version}"\n`,
    );
    await chmod(file, 0o755);
  }
  const here = () =>
    toolsThere({ folder, dump: null, client: null }, null, 'dump', signal).then((found) =>
      found.map(({ path, version }) => [path.slice(folder.length + 1), version]),
    );
  const called = async () => (await readFile(join(folder, 'called'), 'utf8')).trim().split('\n').toSorted();

  it('a tool with two names is asked once', async () => {
    await program('mariadb-dump', '10.11.19-MariaDB');
    await symlink('mariadb-dump', join(folder, 'mysqldump'));
    expect(await here()).toEqual([['mariadb-dump', '10.11.19']]);
    expect(await called()).toEqual(['mariadb-dump']);
  });

  it('a program that is another tool by each of its names is asked by each', async () => {
    await program('many', '10.11.19-MariaDB');
    for (const name of ['mariadb-dump', 'mysqldump']) await symlink('many', join(folder, name));
    expect(await here()).toEqual([
      ['mariadb-dump', '10.11.19'],
      ['mysqldump', '10.11.19'],
    ]);
    expect(await called()).toEqual(['mariadb-dump', 'mysqldump']);
  });

  it('what does not say what it is, is none', async () => {
    await program('mysqldump', 'unknown');
    expect(await here()).toEqual([]);
  });
});
