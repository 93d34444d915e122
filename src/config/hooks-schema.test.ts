import { describe, expect, test } from 'vitest';
import { hooksSchema } from './hooks-schema.ts';

const before = (written: unknown) => hooksSchema.parse({ before: written }).before;
const problems = (written: unknown) => {
  const { error } = hooksSchema.safeParse({ before: written });
  return JSON.stringify(error?.issues ?? []);
};

describe('a hook', () => {
  test.each([
    ['a program alone', '/usr/local/bin/pause', { program: '/usr/local/bin/pause', args: [] }],
    ['words', ['systemctl', 'stop', 'my shop'], { program: 'systemctl', args: ['stop', 'my shop'] }],
    ['words with signs of a shell', ['echo', '$(id); rm *'], { program: 'echo', args: ['$(id); rm *'] }],
    ['a map with words', { run: ['docker', 'pause', 'app'] }, { program: 'docker', args: ['pause', 'app'] }],
    ['a line of shell, asked for', { shell: 'a | b' }, { program: '/bin/sh', args: ['-c', 'a | b'] }],
  ])('S27: %s', (_name, written, expected) => expect(before(written)).toMatchObject(expected));

  test('has a time and a policy: before stops the run, after and failed only warn', () => {
    const hooks = hooksSchema.parse({ before: 'a', after: 'b', failed: 'c', restore: { before: 'd', after: 'e' } });
    expect(hooks.before).toEqual({ program: 'a', args: [], timeoutMs: 300_000, onFailure: 'fail', env: {} });
    expect(
      [hooks.after, hooks.failed, hooks.restore.before, hooks.restore.after].map((each) => each?.onFailure),
    ).toEqual(['warn', 'warn', 'fail', 'warn']);
    expect(before({ run: ['a'], timeout: '10s', onFailure: 'warn', env: { PORT: 80 } })).toEqual({
      program: 'a',
      args: [],
      timeoutMs: 10_000,
      onFailure: 'warn',
      env: { PORT: '80' },
    });
  });

  test.each([
    ['a text with spaces is not cut into words', 'systemctl stop shop', 'has spaces: write a list of words'],
    ['nothing', [], 'must name a program'],
    ['an empty program', ['', 'x'], 'must name a program'],
    ['neither run nor shell', { timeout: '5s' }, 'needs run or shell'],
    ['both', { run: ['a'], shell: 'b' }, 'has both run and shell'],
    ['a variable of ours', { run: ['a'], env: { HOOK_SOURCE: 'x' } }, 'does not begin with HOOK_'],
    ['no name of a variable', { run: ['a'], env: { 'A=B': 'x' } }, 'must be the name of a variable'],
    ['NUL', { run: ['a\0b'] }, 'must not contain a NUL'],
    ['an unknown key', { run: ['a'], comand: 'x' }, 'comand'],
  ])('S27: refuses %s', (_name, written, message) => expect(problems(written)).toContain(message));
});
