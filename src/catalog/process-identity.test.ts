import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { ownProcess, processState } from './process-identity.ts';

const own = ownProcess();
const [boot = '', space = '', start = ''] = own.process?.split('/') ?? [];
const gonePid = spawnSync('/bin/true').pid;

describe.runIf(own.process !== null)('with /proc', () => {
  test.each([
    ['ourselves', own, 'alive'],
    ['ended', { ...own, pid: gonePid }, 'gone'],
    [
      'T-16 another process that got the number later',
      { ...own, process: `${boot}/${space}/${Number(start) + 1}` },
      'gone',
    ],
    ['before a reboot of this machine', { ...own, process: `other-boot/${space}/${start}` }, 'gone'],
    ['another machine', { host: 'elsewhere', pid: own.pid, process: `other-boot/${space}/${start}` }, 'unknown'],
    ['another container on this machine', { ...own, process: `${boot}/1/${start}` }, 'unknown'],
    ['the same system under another host name', { ...own, host: 'renamed' }, 'alive'],
  ] as const)('%s', (_title, identity, state) => {
    expect(processState(identity)).toBe(state);
  });
});

describe('without /proc the number alone has to do', () => {
  test.each([
    ['ourselves', own.host, own.pid, 'alive'],
    ['ended', own.host, gonePid, 'gone'],
    ['elsewhere', 'elsewhere', own.pid, 'unknown'],
  ] as const)('%s', (_title, host, pid, state) => {
    expect(processState({ host, pid, process: null }, { ...own, process: null })).toBe(state);
  });
});
