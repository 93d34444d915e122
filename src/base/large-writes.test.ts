import { afterEach, expect, test, vi } from 'vitest';
import { largeWrites } from './large-writes.ts';
import { startProcess, type Command } from './run-process.ts';

const { signal } = new AbortController();
// Writes its lines by the C library, as dump tools do.
const command: Command = { program: 'seq', args: ['1', '200000'], env: { LC_ALL: 'C' } };

afterEach(() => vi.unstubAllEnvs());

async function sizes(run: Command): Promise<{ largest: number; all: number }> {
  const child = startProcess(run, { signal, stdout: 'pipe' });
  let largest = 0;
  let all = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    largest = Math.max(largest, chunk.length);
    all += chunk.length;
  });
  await child.done;
  return { largest, all };
}

test('a program writes in larger pieces, and everything that it would have written', async () => {
  const widen = await largeWrites(signal);
  const wide = widen(command);
  expect(wide).toMatchObject({ program: 'seq', args: command.args, env: { LC_ALL: 'C', _STDBUF_O: '65536' } });
  const before = await sizes(command);
  const after = await sizes(wide);
  expect(after.all).toBe(before.all);
  expect(after.largest).toBe(65_536);
});

test('where the tool for that is missing, a command stays what it is', async () => {
  vi.stubEnv('PATH', '/nowhere');
  expect((await largeWrites(signal))(command)).toEqual(command);
});
