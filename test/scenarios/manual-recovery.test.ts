import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop, shopRoles } from '../support/shop.ts';

/**
 * The commands of docs/manual-recovery.md, run as they stand there in a folder with one backup, on a new server, with stock tools only.
 * A block is announced by a line `<!-- executed: NAME -->`.
 */
const page = new URL('../../docs/manual-recovery.md', import.meta.url);

let old: TestPostgres;
let fresh: TestPostgres;
beforeAll(async () => {
  old = await startPostgres();
  await old.createDatabase('shop');
  await fillShop(old, 'shop', { rows: 200 });
});
afterAll(() => old[Symbol.asyncDispose]());

const ways: [block: string, dump: object][] = [
  ['custom', { format: 'custom', compression: 'gzip' }],
  ['custom-zst', { format: 'custom', compression: 'bzip2' }],
  ['custom-zst', { format: 'custom', compression: 'auto' }],
  ['custom-zst', { format: 'custom', compression: 'xz' }],
  ['directory', { format: 'directory' }],
  ['tar', { format: 'tar' }],
  ['plain', { format: 'plain' }],
  ['plain', { format: 'plain', compression: 'gzip:6' }],
  ['plain', { format: 'plain', compression: 'none' }],
];

test.each(ways)('promise 4, N-44: the manual commands for %s work (%j)', async (block, dump) => {
  await using holdfast = await installHoldfast({ url: old.url('shop'), settings: { dump } });
  const { id } = await holdfast.json<{ id: string }>('backup');
  await using server = await startPostgres();
  fresh = server;
  // Roles come with their passwords, the superuser's as well: as on a new machine whose administrator kept theirs.
  await fresh.sql('postgres', `alter role ${fresh.user} password '${old.password}'`);
  const env = {
    PATH: process.env.PATH ?? '',
    PGHOST: fresh.host,
    PGPORT: String(fresh.port),
    PGUSER: fresh.user,
    PGPASSWORD: old.password,
  };
  const script = `set -e\n${await blockNamed('globals')}\n${await blockNamed(block)}`;
  const out = execFileSync('bash', ['-c', script], {
    cwd: join(holdfast.storage, 'shop', id),
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  execFileSync('psql', ['-qd', 'postgres', '-c', `alter role ${fresh.user} password '${fresh.password}'`], { env });
  expect(await contentOf(fresh, 'shop'), out).toEqual(await contentOf(old, 'shop'));
  const roles = await fresh.sql<{ rolname: string }>('postgres', 'select rolname from pg_roles');
  expect(roles.map(({ rolname }) => rolname)).toEqual(expect.arrayContaining([...shopRoles]));
});

test('the checksums of the manifest can be checked with stock tools', async () => {
  await using holdfast = await installHoldfast({ url: old.url('shop'), settings: { dump: { format: 'directory' } } });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const cwd = join(holdfast.storage, 'shop', id);
  const out = execFileSync('bash', ['-c', `set -e\n${await blockNamed('checksums')}`], { cwd, encoding: 'utf8' });
  expect(out).toMatch(/toc\.dat: OK/);
  expect(out).not.toMatch(/FAILED/);
});

async function blockNamed(name: string): Promise<string> {
  const text = await readFile(page, 'utf8');
  const found = new RegExp(`<!-- executed: ${name} -->\\s*\`\`\`(?:sh|bash|console)\\n([\\s\\S]*?)\`\`\``).exec(
    text,
  )?.[1];
  if (found === undefined) throw new Error(`docs/manual-recovery.md has no block named ${name}`);
  return found.replaceAll(/^\$ /gm, '');
}
