import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;
let holdfast: Installation;
const dumps = new Map<string, Buffer>();

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 3000 });
  holdfast = await installHoldfast({ url: server.url('shop') });
  const pgDump = join(clientTools(15) ?? '', 'pg_dump');
  for (const [name, flags] of Object.entries({
    custom: ['-Fc', '-Z0'],
    compressed: ['-Fc'],
    tar: ['-Ft'],
    plain: ['-Fp'],
  })) {
    dumps.set(
      name,
      execFileSync(pgDump, [...flags, '-h', server.host, '-p', String(server.port), '-U', server.user, 'shop'], {
        env: { PGPASSWORD: server.password },
        maxBuffer: 1e9,
      }),
    );
  }
});
afterAll(async () => {
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

let before: unknown;
beforeEach(async () => {
  before = await evidenceOf(server, 'shop');
});

const damages: Record<string, (whole: Buffer) => Buffer> = {
  'cut at the tail': (whole) => whole.subarray(0, Math.floor(whole.length * 0.9)),
  'cut at 60 %': (whole) => whole.subarray(0, Math.floor(whole.length * 0.6)),
  'cut after the header': (whole) => whole.subarray(0, 600),
  'overwritten in the middle': (whole) => {
    const bytes = Buffer.from(whole);
    bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 4096);
    return bytes;
  },
  empty: () => Buffer.alloc(0),
  'of garbage': () => Buffer.from('this is not a dump at all\n'.repeat(500)),
};

describe.each(['custom', 'compressed', 'tar', 'plain'])('S13, T-d4, J-d9, J-d14: a %s dump', (format) => {
  test.each(Object.keys(damages))('%s never changes the live database', async (damage) => {
    const file = join(holdfast.folder, 'foreign');
    await writeFile(file, damages[damage]?.(dumps.get(format) ?? Buffer.alloc(0)) ?? '');
    for (const how of [[], ['--in-place']]) {
      const ended = await holdfast.run(
        'restore',
        file,
        '--yes',
        '--no-safety-backup',
        '--allow',
        'script',
        '--allow',
        'unpatched',
        '--allow',
        'superuser',
        ...how,
      );
      expect(ended.status, ended.stderr).not.toBe(0);
      expect(ended.stderr).toMatch(/^error: .*\([A-Z_]+\)$/m);
      expect(await evidenceOf(server, 'shop')).toEqual(before);
      expect(await server.databases()).toEqual(['postgres', 'shop']);
    }
  });

  test('whole restores, compressed on the outside or not (J-16, J-d2, J-d10, N-39)', async () => {
    const whole = dumps.get(format) ?? Buffer.alloc(0);
    const file = join(holdfast.folder, 'no-extension-that-helps');
    for (const wrap of ['cat', 'gzip', 'bzip2', 'xz', 'zstd']) {
      await writeFile(file, execFileSync(wrap, wrap === 'cat' ? [] : ['-c'], { input: whole, maxBuffer: 1e9 }));
      const target = `copy_${format}_${wrap}`;
      const ended = await holdfast.run(
        'restore',
        file,
        '--into',
        target,
        '--yes',
        '--allow',
        'script',
        '--allow',
        'unpatched',
        '--allow',
        'superuser',
      );
      expect(ended.status, `${wrap}: ${ended.stderr}`).toBe(0);
      await server.sql('postgres', `drop database ${target}`);
    }
  });
});

test('J-d9: a plain dump of foreign origin is refused unless the operator says so', async () => {
  const file = join(holdfast.folder, 'foreign.sql');
  await writeFile(file, dumps.get('plain') ?? '');
  const ended = await holdfast.run('restore', file, '--into', 'copy', '--yes');
  expect(ended.status).toBe(4);
  expect(ended.stderr).toMatch(/--allow script/);
  expect(await server.databases()).not.toContain('copy');
});

test('J-16: restore without an argument is a usage error, an unknown id names what there is', async () => {
  expect(await holdfast.run('restore')).toMatchObject({ status: 2 });
  const { status, stderr } = await holdfast.run('restore', '2020-01-01_00-00-00', '--yes');
  expect(status).toBe(2);
  expect(stderr).toMatch(/BACKUP_UNKNOWN/);
});
