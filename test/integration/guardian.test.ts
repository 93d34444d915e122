import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { runProcess, startProcess } from '../../src/base/run-process.ts';

const { signal } = new AbortController();
const parent = fileURLToPath(new URL('../support/guarded-parent.ts', import.meta.url));

async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat !== null && !/\) [ZX] /.test(stat);
}

test('S1 kill -9 takes the dump tool and its workers along', async () => {
  const { pid, stdout, done, kill } = startProcess({ program: process.execPath, args: [parent] }, { signal });
  const line = await new Promise<string>((resolve) => stdout?.once('data', (text) => resolve(String(text))));
  const children = line.trim().split(' ').map(Number);
  expect(children).toHaveLength(2);
  for (const child of children) expect(await isAlive(child)).toBe(true);

  process.kill(pid, 'SIGKILL');
  kill();
  await expect(done).rejects.toThrow('SIGKILL');

  for (const child of children) {
    await vi.waitFor(async () => expect(await isAlive(child), `process ${child}`).toBe(false), {
      timeout: 8000,
      interval: 20,
    });
  }
}, 20_000);

test('a program that ends in order leaves no guardian behind and kills nobody', async () => {
  const script = `import { runProcess } from ${JSON.stringify(fileURLToPath(new URL('../../src/base/run-process.ts', import.meta.url)))};
    const { signal } = new AbortController();
    await runProcess({ program: '/bin/sh', args: ['-c', 'true'] }, { signal });
    const { stdout } = await runProcess({ program: 'ps', args: ['-o', 'pid=', '--ppid', String(process.pid)] }, { signal });
    console.log(stdout);`;
  const { stdout } = await runProcess(
    { program: process.execPath, args: ['--input-type=module', '-e', script] },
    { signal },
  );
  const [guardian] = stdout.trim().split(/\s+/).map(Number);
  expect(guardian).toBeGreaterThan(0);
  await vi.waitFor(async () => expect(await isAlive(guardian ?? 0)).toBe(false), { timeout: 5000, interval: 20 });
});
