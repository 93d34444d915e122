import { expect, test } from 'vitest';
import { assertMayReadMetrics, type Asker } from './metrics-access.ts';

const here: Asker = { authorization: undefined, host: 'localhost:8420', remoteAddress: '127.0.0.1', forwarded: false };
const token = 'a-token-of-some-length';
const alone = { metricsToken: null, publicUrl: null };
const guarded = { metricsToken: token, publicUrl: null };

test.each<[string, Partial<Asker>]>([
  ['over IPv4', {}],
  ['over IPv6', { host: '[::1]:8420', remoteAddress: '::1' }],
  ['over IPv4 written as IPv6', { remoteAddress: '::ffff:127.0.0.1' }],
  ['through a socket in the file system', { remoteAddress: undefined }],
])('S24: without a token, this machine may read: %s', (_how, asker) => {
  expect(() => assertMayReadMetrics({ ...here, ...asker }, alone)).not.toThrow();
});

test.each<[string, Partial<Asker>, string | null]>([
  ['another machine', { remoteAddress: '10.0.0.8' }, null],
  ['another name', { host: 'backup.example.com' }, null],
  ['no name', { host: undefined }, null],
  ['a proxy', { forwarded: true }, null],
  ['this machine, where a proxy stands before the server', {}, 'https://backup.example.com'],
])('S24: without a token, %s may not', (_who, asker, publicUrl) => {
  expect(() => assertMayReadMetrics({ ...here, ...asker }, { metricsToken: null, publicUrl })).toThrow(
    expect.objectContaining({ code: 'METRICS_LOCAL_ONLY' }),
  );
});

test('S24: with a token, everybody who shows it may, from wherever', () => {
  const asker = { ...here, remoteAddress: '10.0.0.8', host: 'x', forwarded: true };
  for (const scheme of ['Bearer', 'bearer'])
    expect(() => assertMayReadMetrics({ ...asker, authorization: `${scheme} ${token}` }, guarded)).not.toThrow();
});

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  `Bearer ${token}x`,
  `Bearer ${token.slice(1)}`,
  `Basic ${token}`,
  token,
])('S24: with a token, %s is not enough, even from this machine', (authorization) => {
  expect(() => assertMayReadMetrics({ ...here, authorization }, guarded)).toThrow(
    expect.objectContaining({ code: 'TOKEN_WRONG' }),
  );
});
