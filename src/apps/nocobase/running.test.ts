import { expect, test } from 'vitest';
import { healthAddress, judgeAnswer } from './running.ts';

test.each<[string, string | null, Record<string, string>, boolean, string | null]>([
  ['nobody says', null, {}, false, null],
  ['the usual port', null, {}, true, 'http://127.0.0.1:13000/api/__health_check'],
  ['a port and a host', null, { APP_PORT: '80', APP_HOST: '10.0.0.1' }, true, 'http://10.0.0.1:80/api/__health_check'],
  ['everywhere is here', null, { APP_HOST: '0.0.0.0' }, true, 'http://127.0.0.1:13000/api/__health_check'],
  [
    'below a path',
    null,
    { APP_PUBLIC_PATH: '/nb/', API_BASE_PATH: '/a/' },
    true,
    'http://127.0.0.1:13000/nb/a/__health_check',
  ],
  ['the configuration', 'http://nb:1/x', { APP_PORT: '80' }, true, 'http://nb:1/x/api/__health_check'],
])('where it answers: %s', (_name, url, values, file, expected) => {
  const environment = { file: file ? '/app/.env' : null, values: new Map(Object.entries(values)) };
  expect(healthAddress({ url }, environment)).toBe(expected);
});

test.each([
  ['nothing', null, 'stopped'],
  ['ok', { status: 200, body: 'ok' }, 'running'],
  ['busy', { status: 503, body: '{"error":{"code":"APP_COMMANDING"}}' }, 'running'],
  ['a proxy', { status: 502, body: '<html>' }, 'stopped'],
  ['something else', { status: 200, body: '<html>' }, 'unknown'],
  ['silence', { status: 0, body: '' }, 'unknown'],
] as const)('what an answer means: %s', (_name, answer, state) => {
  expect(judgeAnswer('http://nb', answer).state).toBe(state);
});
