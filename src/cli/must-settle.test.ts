import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const file = join(import.meta.dirname, 'must-settle.ts');

function end(work: string): { status: number | null; stderr: string } {
  const script = `import { mustSettle } from ${JSON.stringify(file)}; mustSettle(${work});`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return { status, stderr };
}

test('a program whose work never comes to an end does not look as if it had', () => {
  const { status, stderr } = end('new Promise(() => {})');
  expect(status).toBe(1);
  expect(stderr).toContain('the command ended before its work did (UNEXPECTED)');
});

test('one whose work has ended ends as it says', () => {
  expect(end('Promise.resolve()')).toEqual({ status: 0, stderr: '' });
  expect(end('(async () => { process.exitCode = 3; })()').status).toBe(3);
});

test('a failure that nobody caught is one', () => {
  expect(end('Promise.reject(new Error("lost"))').status).not.toBe(0);
});
