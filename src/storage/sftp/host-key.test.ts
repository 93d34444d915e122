import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fingerprint, fromKnownHosts, trustedKeys } from './host-key.ts';

const key = Buffer.from('a key');
const other = Buffer.from('another key');
const line = (hosts: string, value = key) => `${hosts} ssh-ed25519 ${value.toString('base64')} a comment`;
const hashed = (name: string) => {
  const salt = Buffer.from('01234567890123456789');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

describe('known_hosts', () => {
  const trusted: [string, string, number][] = [
    [line('nas'), 'nas', 22],
    [line('NAS'), 'Nas', 22],
    [line('other,nas'), 'nas', 22],
    [line('[nas]:2222'), 'nas', 2222],
    [line('*.home'), 'nas.home', 22],
    [line('na?'), 'nas', 22],
    [line(hashed('nas')), 'nas', 22],
    [line(hashed('[nas]:2222')), 'nas', 2222],
    [`# comment\r\n\r\n${line('nas')}\r\n`, 'nas', 22],
  ];
  test.each(trusted)('%s trusts %s:%d', (text, host, port) => {
    expect(fromKnownHosts(text, host, port).problem(key)).toBeNull();
    expect(fromKnownHosts(text, host, port).problem(other)).toContain('another one');
    expect(fromKnownHosts(text, host, port).kinds).toEqual(['ssh-ed25519']);
  });

  const strange: [string, string, number][] = [
    [line('nas'), 'nas', 2222],
    [line('[nas]:2222'), 'nas', 22],
    [line('nas'), 'bnas', 22],
    [line('n.s'), 'nas', 22],
    [line('*.home,!nas.home'), 'nas.home', 22],
    [line(hashed('nas')), 'other', 22],
    [`#${line('nas')}`, 'nas', 22],
    [`@cert-authority ${line('nas')}`, 'nas', 22],
    ['', 'nas', 22],
  ];
  test.each(strange)('%s does not know %s:%d', (text, host, port) => {
    expect(fromKnownHosts(text, host, port).problem(key)).toContain('does not know');
  });

  test('a revoked key is refused although it is also known', () => {
    expect(fromKnownHosts(`${line('nas')}\n@revoked ${line('*')}`, 'nas', 22).problem(key)).toContain('revoked');
  });
});

test('a fingerprint allows its key only', async () => {
  const { problem } = await trustedKeys(fingerprint(key), 'nas', 22);
  expect(problem(key)).toBeNull();
  expect(problem(other)).toContain(fingerprint(key));
});

test('a file that is not there trusts nothing', async () => {
  await expect(trustedKeys('/nowhere/known_hosts', 'nas', 22)).rejects.toMatchObject({ code: 'STORAGE_AUTH' });
});
