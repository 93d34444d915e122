import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../base/errors.ts';
import { parseDatabaseUrl } from './connect/database-options.ts';
import { databaseSchema } from './options.ts';

const issuesOf = (input: unknown) => {
  const result = databaseSchema.safeParse(input);
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
};

describe('the options of a database', () => {
  it('reads an address, and fills in what is usual', () => {
    const { address, engine } = databaseSchema.parse({
      engine: 'mariadb',
      url: 'mysql://me:p%40ss@db.example:3307/my%20shop',
    });
    expect(engine).toBe('mariadb');
    expect(address).toMatchObject({
      host: 'db.example',
      port: 3307,
      user: 'me',
      database: 'my shop',
      socket: null,
      connectTimeoutMs: 10_000,
    });
    expect(address.password?.reveal()).toBe('p@ss');
    expect(databaseSchema.parse({ engine: 'mysql', name: 'x' }).address).toMatchObject({
      host: 'localhost',
      port: 3306,
      user: 'root',
    });
  });

  it.each([
    ['mysql://h/x?ssl-mode=VERIFY_CA&ssl-ca=/ca.pem', { mode: 'verify-ca', ca: '/ca.pem', cert: null, key: null }],
    ['mysql://h/x?sslmode=require', { mode: 'require', ca: null, cert: null, key: null }],
    ['mariadb://h/x?useSSL=false&serverTimezone=UTC', { mode: 'disable', ca: null, cert: null, key: null }],
    ['mysql://h/x', { mode: 'prefer', ca: null, cert: null, key: null }],
  ])('reads TLS in %s', (url, ssl) => {
    expect(databaseSchema.parse({ engine: 'mysql', url }).address.ssl).toEqual(ssl);
  });

  it('takes a socket instead of host and port', () => {
    expect(
      databaseSchema.parse({ engine: 'mysql', url: 'mysql://me@/x?socket=/run/mysqld/mysqld.sock' }).address.socket,
    ).toBe('/run/mysqld/mysqld.sock');
    expect(issuesOf({ engine: 'mysql', name: 'x', socket: 'here' })).toEqual(['socket: must be a full path']);
    expect(issuesOf({ engine: 'mysql', name: 'x', socket: '/s', host: 'h' })).toEqual([
      'socket: is instead of host and port; give one of them',
    ]);
  });

  it.each([
    [{ engine: 'mysql' }, 'name: the name of the database is missing'],
    [{ engine: 'mysql', url: 'http://x/y' }, 'url: must look like mysql://user:password@host:port/name'],
    [{ engine: 'mysql', url: 'mysql://h/x?what=1' }, 'url: has a parameter that is not understood: what'],
    [{ engine: 'mysql', url: 'mysql://a,b/x' }, 'url: names several hosts; one is needed'],
    [{ engine: 'mysql', url: 'mysql://h/x', name: 'y' }, 'name: says something else than url; give it once'],
    [
      { engine: 'mysql', name: 'x', ssl: 'verify-full' },
      "ssl: verify-full needs ca: a file with the authority's certificate, or system",
    ],
    [{ engine: 'mysql', name: 'x', ssl: { mode: 'require', cert: '/c' } }, 'ssl: cert and key belong together'],
  ])('refuses %j', (input, problem) => {
    expect(issuesOf(input)).toContain(problem);
  });

  it('names no password when an address is wrong', () => {
    const wrong = () => parseDatabaseUrl('mysql://me:verysecret@h:99999/x');
    expect(wrong).toThrow(HoldfastError);
    expect(wrong).toThrow(/^((?!verysecret).)*$/);
  });
});
