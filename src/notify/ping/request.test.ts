import { describe, expect, test } from 'vitest';
import { ping } from '../../../test/support/messages.ts';
import type { Ping } from '../channel.ts';
import { pingOptions } from './options.ts';
import { pingRequest } from './request.ts';

const requestOf = (options: object, change: Partial<Ping> = {}) =>
  pingRequest({ ...ping, ...change }, pingOptions.parse({ type: 'ping', ...options }));
const pathOf = (options: object, change: Partial<Ping> = {}) => {
  const request = requestOf(options, change);
  return request === null ? null : request.url.replace(/rid=[^&]*/, 'rid');
};

describe('healthchecks', () => {
  const url = 'https://hc-ping.com/5c9e/shop';

  test('start, success and fail', () => {
    expect(pathOf({ url }, { phase: 'start' })).toBe(`${url}/start?rid`);
    expect(pathOf({ url })).toBe(`${url}?rid`);
    expect(pathOf({ url: `${url}/` }, { phase: 'fail' })).toBe(`${url}/fail?rid`);
    expect(pathOf({ url: `${url}?create=1` }, { phase: 'fail' })).toBe(`${url}/fail?create=1&rid`);
  });

  test('start and end of a run have one id, which is a UUID; another run has another', () => {
    const id = (change: Partial<Ping>) => new URL(requestOf({ url }, change)?.url ?? '').searchParams.get('rid');
    expect(id({ phase: 'start' })).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(id({ phase: 'fail' })).toBe(id({ phase: 'start' }));
    expect(id({ run: 'another' })).not.toBe(id({}));
  });

  test('the detail is the body, and no longer than every installation keeps', () => {
    expect(requestOf({ url }, { phase: 'fail', detail: 'no space left' })?.body).toBe(
      'backup of shop.main failed\nInstance: web-1\nRun: 20261121-041500-d4e5f6\nDuration: 12.3 s\n\nno space left',
    );
    const endless = requestOf({ url }, { phase: 'fail', detail: '💥'.repeat(90_000) })?.body;
    expect(Buffer.byteLength(String(endless))).toBeLessThanOrEqual(10_000);
  });
});

describe('uptime-kuma', () => {
  const url = 'https://kuma.example.com/api/push/a1b2c3?status=up&msg=OK&ping=';

  test('up and down with words and duration; it knows no start', () => {
    expect(requestOf({ url }, { phase: 'start' })).toBeNull();
    expect(requestOf({ url })).toEqual({
      url: 'https://kuma.example.com/api/push/a1b2c3?status=up&msg=backup+of+shop.main+succeeded&ping=12340',
      method: 'GET',
    });
    const failed = new URL(requestOf({ url }, { phase: 'fail', detail: 'a & b\nc', durationMs: null })?.url ?? '');
    expect(Object.fromEntries(failed.searchParams)).toEqual({
      status: 'down',
      msg: 'backup of shop.main failed: a & b c',
      ping: '',
    });
  });

  test('by the look of the address, or by name', () => {
    expect(pathOf({ url: 'https://kuma.example.com/api/push/a1b2c3' })).toContain('status=up');
    expect(pathOf({ url: 'https://example.com/other', style: 'uptime-kuma' })).toContain('status=up');
    expect(pathOf({ url, style: 'healthchecks' })).toContain('rid');
  });
});

describe('addresses', () => {
  test('each phase can have its own, called as it is; a phase without one is left out', () => {
    const own = { success: 'https://example.com/beat/1?x=1', fail: 'https://example.com/beat/1/fail' };
    expect(pathOf(own)).toBe(own.success);
    expect(pathOf(own, { phase: 'fail' })).toBe(own.fail);
    expect(pathOf(own, { phase: 'start' })).toBeNull();
    expect(pathOf({ ...own, url: 'https://hc-ping.com/x' }, { phase: 'start' })).toBe(
      'https://hc-ping.com/x/start?rid',
    );
  });

  test('one for every source, with names that are good for checks', () => {
    const url = 'https://hc-ping.com/key/{source}-{operation}';
    expect(pathOf({ url, operations: ['backup', 'drill'] }, { operation: 'drill' })).toBe(
      'https://hc-ping.com/key/shop-main-drill?rid',
    );
    expect(pathOf({ url }, { source: null })).toBe('https://hc-ping.com/key/all-backup?rid');
  });

  test('only the work that is asked for', () => {
    expect(pathOf({ url: 'https://hc-ping.com/x' }, { operation: 'drill' })).toBeNull();
    expect(pathOf({ url: 'https://hc-ping.com/x', operations: ['drill'] }, { operation: 'drill' })).not.toBeNull();
  });
});
