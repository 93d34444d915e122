import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { PATH = '', HOME = '' } = process.env;

test('--help costs at most 0.15 s over Node itself', () => {
  const bare = () => spawnSync(join(root, 'node_modules/node/bin/node'), ['-e', '0']);
  const help = () => spawnSync(join(root, 'bin/holdfast'), ['--help'], { env: { PATH, HOME } });
  help(); // the first time, the code is compiled
  const differences = Array.from({ length: 9 }, () => took(help) - took(bare)).toSorted((a, b) => a - b);
  expect(differences[4]).toBeLessThan(150);
});

function took(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}
