import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseDatabaseUrl } from './connect/database-options.ts';
import { dumpSchema } from '../dump-options.ts';
import { viaSchema } from '../via-options.ts';
import { databaseSchema } from './options.ts';

function problems(schema: z.ZodType, input: unknown): string[] {
  const result = schema.safeParse(input);
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

describe('database', () => {
  test('a url, its parts, and both together', () => {
    const whole = databaseSchema.parse({ url: 'postgres://sh%40p:p%2Fw%3Ax@db:6543/my%20shop?sslmode=require' });
    expect(whole.address).toMatchObject({
      host: 'db',
      port: 6543,
      user: 'sh@p',
      database: 'my shop',
      ssl: { mode: 'require' },
    });
    expect(whole.address.password?.reveal()).toBe('p/w:x');
    const both = databaseSchema.parse({ url: 'postgres://shop@db/shop', password: 'from a file', port: '6432' });
    expect(both.address).toMatchObject({ host: 'db', port: 6432, user: 'shop', database: 'shop' });
    expect(both.address.password?.reveal()).toBe('from a file');
    expect(databaseSchema.parse({ name: 'shop' }).address).toMatchObject({
      host: 'localhost',
      port: 5432,
      user: 'postgres',
      password: null,
      ssl: { mode: 'prefer' },
    });
  });

  test('a password never shows when the settings are printed', () => {
    const settings = databaseSchema.parse({ url: 'postgres://u:very-secret-word@db/shop' });
    expect(JSON.stringify(settings)).not.toContain('very-secret-word');
    expect(
      JSON.stringify(
        problems(databaseSchema, { url: 'postgres://u:very-secret-word@db/shop', password: 'another-secret' }),
      ),
    ).not.toMatch(/very-secret-word|another-secret/);
  });

  test.each([
    [{}, ['name: the name of the database is missing']],
    [{ url: 'mysql://db/shop' }, ['url: must look like postgres://user:password@host:port/name']],
    [{ url: 'postgres://db' }, ['name: the name of the database is missing']],
    [{ url: 'postgres://db/shop', host: 'other' }, ['host: says something else than url; give it once']],
    [{ url: 'postgres://a:x@db/shop', password: 'y' }, ['password: says something else than url; give it once']],
    [{ url: 'postgres://a,b/shop' }, ['url: names several hosts; one is needed']],
    [{ url: 'postgres://db/shop?sslmode=maybe' }, ['url: has an unknown sslmode']],
    [{ url: 'postgres://db/shop?target=x' }, ['url: has a parameter that is not understood: target']],
    [
      { url: 'postgres://db/sh%zzop' },
      ['url: has a % that does not begin a percent-encoded character; write it as %25'],
    ],
    [{ name: 'a\0b' }, ['name: must not contain a NUL character']],
    [{ name: 'shop', port: 70_000 }, ['port: must be a whole number from 1 to 65535']],
    [{ name: 'shop', port: '80x' }, ['port: must be a whole number from 1 to 65535']],
    [
      { name: 'shop', ssl: 'verify-full' },
      ["ssl: verify-full needs ca: a file with the authority's certificate, or system"],
    ],
    [{ name: 'shop', ssl: { mode: 'require', cert: '/c' } }, ['ssl: cert and key belong together']],
    [{ name: 'shop', nmae: 'x' }, [': Unrecognized key: "nmae"']],
  ])('%j', (input, expected) => expect(problems(databaseSchema, input)).toEqual(expected));

  test('saying the same twice is no conflict; what ORMs add to an address is ignored', () => {
    expect(problems(databaseSchema, { url: 'postgres://db:5433/shop', host: 'db', port: 5433, name: 'shop' })).toEqual(
      [],
    );
    expect(problems(databaseSchema, { url: 'postgres://db/shop?schema=public&connection_limit=5' })).toEqual([]);
  });

  test('sockets and IPv6', () => {
    expect(parseDatabaseUrl('postgresql://%2Fvar%2Frun%2Fpostgresql/shop')).toMatchObject({
      host: '/var/run/postgresql',
      database: 'shop',
    });
    expect(parseDatabaseUrl('postgres:///shop?host=/tmp')).toMatchObject({ host: '/tmp', database: 'shop' });
    expect(parseDatabaseUrl('postgres://[::1]:5433/shop')).toMatchObject({ host: '::1', port: 5433 });
    expect(() => parseDatabaseUrl('shop')).toThrow(
      expect.objectContaining({ code: 'DATABASE_URL_WRONG', kind: 'usage' }),
    );
  });

  test('J-d16 names and passwords with special characters survive', () => {
    const odd = `p@ss:w/o?r#d %"';$`;
    const url = `postgres://${encodeURIComponent(odd)}:${encodeURIComponent(odd)}@db/${encodeURIComponent(odd)}`;
    const address = parseDatabaseUrl(url);
    expect([address.user, address.password?.reveal(), address.database]).toEqual([odd, odd, odd]);
  });
});

describe('via', () => {
  test('a name or auto, nothing that could be an option of the container program', () => {
    expect(problems(viaSchema, { container: 'auto' })).toEqual([]);
    expect(problems(viaSchema, { container: 'shop-db_1' })).toEqual([]);
    expect(problems(viaSchema, { container: '--privileged' })).toEqual([
      'container: must be the name of a container, or auto',
    ]);
    expect(problems(viaSchema, {})).toHaveLength(1);
  });
});

describe('dump', () => {
  test('defaults', () => {
    expect(dumpSchema.parse({})).toEqual({
      format: 'auto',
      compression: 'auto',
      jobs: 'auto',
      timeoutMs: null,
      lockTimeoutMs: 15_000,
      rowCounts: 'exact',
      fingerprints: false,
      limit: null,
      globals: 'auto',
      exclude: { tables: [], tableData: [] },
    });
  });

  test('texts from the environment', () => {
    expect(
      dumpSchema.parse({ jobs: '4', timeout: '1h30m', fingerprints: 'true', globals: 'false', compression: 'zstd:5' }),
    ).toMatchObject({
      jobs: 4,
      timeoutMs: 5_400_000,
      fingerprints: true,
      globals: false,
      compression: { codec: 'zstd', level: 5 },
    });
  });

  test.each([
    [{ format: 'zip' }, 'format'],
    [{ format: 'directory', compression: 'xz' }, 'compression: xz cannot compress the directory format'],
    [{ format: 'directory', compression: 'bzip2:9' }, 'compression: bzip2 cannot compress the directory format'],
    [{ format: 'plain', compression: 'lz4' }, 'compression: lz4 is only for custom and directory'],
    [{ format: 'custom', jobs: 2 }, 'jobs: only the directory format'],
    [{ compression: 'zstd:23' }, 'compression: the level of zstd must be from 1 to 22'],
    [{ compression: 'gzip:0' }, 'compression: the level of gzip must be from 1 to 9'],
    [{ compression: 'none:1' }, 'compression: none has no levels'],
    [{ compression: 'rar' }, 'compression: must be auto, none, or gzip'],
    [{ compression: 'constructor' }, 'compression: must be auto, none, or gzip'],
    [{ timeout: 'soon' }, 'timeout: must be none, or a duration'],
    [{ timeout: '0s' }, 'timeout: must be'],
    [{ lockTimeout: 15 }, 'lockTimeout: must be a duration'],
    [{ jobs: 0 }, 'jobs: must be'],
    [{ fingerprints: true, rowCounts: 'none' }, 'fingerprints: needs rowCounts: exact'],
    [{ exclude: { tables: [''] } }, 'exclude.tables.0: must not be empty'],
    [{ exclude: { table: [] } }, 'exclude: Unrecognized key'],
  ])('%j', (input, expected) => {
    const found = problems(dumpSchema, input);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  test('the schemas can be published as JSON Schema', () => {
    for (const schema of [databaseSchema, viaSchema, dumpSchema]) {
      expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });
});
