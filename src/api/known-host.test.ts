import { expect, test } from 'vitest';
import { isKnownHost } from './known-host.ts';

const loopback = { listen: { host: '127.0.0.1', port: 8420 }, publicUrl: 'https://Backup.example.com:8443/holdfast' };

test.each([
  'localhost',
  'LOCALHOST:8420',
  'localhost.',
  'holdfast.localhost:8420',
  '127.0.0.1:8420',
  '127.8.9.1',
  '[::1]:8420',
  '192.168.1.9:8420',
  'backup.example.com',
  'backup.EXAMPLE.com:443',
])('S24: a server on loopback answers to %s', (header) => {
  expect(isKnownHost(header, loopback)).toBe(true);
});

test.each([
  undefined,
  '',
  'evil.example.com',
  'evil.example.com:8420',
  'localhost.evil.com',
  'evil-localhost',
  'backup.example.com.evil.com',
  '127.0.0.1.evil.com',
  'localhost:8420@evil.com',
  'localhost, evil.com',
  'localhost/evil.com',
  '[::1',
  '1.2.3',
])('S24: a name that a stranger can point here is refused: %s', (header) => {
  expect(isKnownHost(header, loopback)).toBe(false);
});

test.each([{ host: '0.0.0.0', port: 1 }, { host: '192.168.1.9', port: 1 }, { path: '/run/holdfast.sock' }])(
  'a server that is meant for others, or out of reach of browsers, goes by any name: %o',
  (listen) => {
    expect(isKnownHost('holdfast:8420', { listen, publicUrl: null })).toBe(true);
  },
);
