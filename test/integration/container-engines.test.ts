import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runProcess } from '../../src/base/run-process.ts';
import { containerCommand, findContainer } from '../../src/engines/shared/container.ts';
import { reachableFor } from '../../src/engines/postgres/connect/dump-place.ts';
import type { ClientTools } from '../../src/engines/postgres/connect/tools.ts';
import type { ViaSettings } from '../../src/engines/engine.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const shopDb = { id: 'c0ffee'.repeat(10), name: 'shop-db', image: 'docker.io/library/postgres:15' };
const other = { ...shopDb, id: 'decaf0'.repeat(10), name: 'other' };

let folder: TemporaryFolder;
let path: string | undefined;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = process.env['PATH'];
  // No engine of this machine takes part.
  process.env['PATH'] = await withoutEngines(folder.path);
});
afterEach(async () => {
  process.env['PATH'] = path;
  await folder[Symbol.asyncDispose]();
});

const find = (via: ViaSettings) =>
  findContainer(via, { server: { host: 'localhost', port: 5432 }, isImage: (name) => name === 'postgres' }, signal);

describe('which engine is asked', () => {
  test.each(['docker', 'podman'] as const)('the only one there is: %s', async (engine) => {
    using only = await fakeDocker(folder.path, engine);
    await only.run(shopDb);
    const found = await find({ container: 'shop-db' });
    expect(found).toMatchObject({ id: shopDb.id, name: 'shop-db', foundBy: 'name', engine });
    expect(await find({ container: 'auto' })).toMatchObject({ id: shopDb.id, foundBy: 'image', engine });
    const { stdout } = await runProcess(containerCommand(found!, 'sh', ['-c', 'echo $WORD'], { WORD: 'in' }), {
      signal,
    });
    expect(stdout).toBe('in\n');
  });

  test('docker, where both are there, unless the configuration says podman', async () => {
    using docker = await fakeDocker(folder.path, 'docker');
    using podman = await fakeDocker(folder.path, 'podman');
    await docker.run(other);
    await podman.run(shopDb);
    await expect(find({ container: 'shop-db' })).rejects.toMatchObject({
      code: 'CONTAINER_NOT_RUNNING',
      hint: expect.stringContaining('other'),
    });
    expect(await find({ container: 'shop-db', engine: 'podman' })).toMatchObject({ id: shopDb.id, engine: 'podman' });
  });

  test('none: a named one is an error that says both, auto means this machine', async () => {
    await expect(find({ container: 'shop-db' })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringMatching(/neither docker nor podman/),
    });
    await expect(find({ container: 'shop-db', engine: 'podman' })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('podman'),
    });
    expect(await find({ container: 'auto' })).toBeNull();
  });
});

test('a container that ends while it is asked about takes no other with it', async () => {
  using docker = await fakeDocker(folder.path);
  await docker.run(shopDb);
  await docker.endsMeanwhile(other.id);
  expect(await find({ container: 'shop-db' })).toMatchObject({ id: shopDb.id });
  await docker.endsMeanwhile(other.id);
  expect(await find({ container: 'auto' })).toMatchObject({ id: shopDb.id });
});

test.each(['docker', 'podman'] as const)(
  'a dump is copied in and removed by words that every %s knows',
  async (engine) => {
    using fake = await fakeDocker(folder.path, engine);
    await fake.run(shopDb);
    const container = (await find({ container: 'shop-db' }))!;
    await mkdir(join(folder.path, 'dump'));
    await writeFile(join(folder.path, 'dump', 'toc.dat'), 'x');
    const tools = { container } as ClientTools;
    const placed = await reachableFor(tools, join(folder.path, 'dump'), signal);
    const read = () => runProcess(containerCommand(container, 'cat', [join(placed.path, 'toc.dat')], {}), { signal });
    expect((await read()).stdout).toBe('x');
    await placed[Symbol.asyncDispose]();
    await expect(read()).rejects.toThrow(/No such file/);
  },
);

/** All programs that the fake ones and these tests need. */
async function withoutEngines(at: string): Promise<string> {
  const bin = join(at, 'bin');
  await runProcess(
    {
      program: 'sh',
      args: ['-c', 'mkdir "$0" && for each; do ln -s "$(command -v "$each")" "$0/$each"; done', bin].concat([
        'bash',
        'sh',
        'cat',
        'cp',
        'rm',
        'mv',
        'tr',
        'env',
        'setsid',
      ]),
    },
    { signal },
  );
  return bin;
}
