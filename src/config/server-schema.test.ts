import { expect, test } from 'vitest';
import { readListen, serverSchema } from './server-schema.ts';

test.each([
  ['127.0.0.1:8420', { host: '127.0.0.1', port: 8420 }],
  ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ['[::1]:8420', { host: '::1', port: 8420 }],
  ['backup-1.example.com:80', { host: 'backup-1.example.com', port: 80 }],
  ['/run/holdfast.sock', { path: '/run/holdfast.sock' }],
])('%s is an address to listen at', (text, address) => {
  expect(readListen(text)).toEqual(address);
});

test.each([
  '',
  '8420',
  ':8420',
  'localhost',
  'localhost:65536',
  '::1:8420',
  'http://localhost:8420',
  'a b:1',
  './x.sock',
])('%s is none', (text) => {
  expect(readListen(text)).toBeNull();
});

test('defaults: loopback, metrics on, no token; false and off mean no server', () => {
  expect(serverSchema.parse({})).toEqual({
    listen: { host: '127.0.0.1', port: 8420 },
    publicUrl: null,
    trustedProxies: [],
    maxUpload: 50 * 1024 ** 3,
    provider: null,
    metrics: true,
    metricsToken: null,
  });
  expect(serverSchema.parse(false)).toBeNull();
  expect(serverSchema.parse({ listen: 'off' })).toBeNull();
});

test.each([
  { publicUrl: 'backup.example.com' },
  { publicUrl: 'ftp://example.com' },
  { publicUrl: 'https://user:password@example.com' },
  { publicUrl: 'https://example.com/backups/' },
  { metricsToken: 'short' },
  { trustedProxies: ['proxy.example.com'] },
  { trustedProxies: ['10.0.0.0/33'] },
  { trustedProxies: ['10.0.0.0/8/8'] },
  { trustedProxies: ['::1/129'] },
  { maxUpload: 'much' },
  { maxUpload: 10 },
  { provider: { issuer: 'http://login.example.com', clientId: 'x' } },
  { provider: { issuer: 'https://login.example.com' } },
  { metrics: 'maybe' },
  { listen: 8420 },
  { port: 8420 },
])('%j is refused', (settings) => {
  expect(serverSchema.safeParse(settings).success).toBe(false);
});

test.each(['10.0.0.2', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0'])('%s is a proxy or a network of them', (text) => {
  expect(serverSchema.parse({ trustedProxies: [text] })).toMatchObject({ trustedProxies: [text] });
});
