import { expect, test } from 'vitest';
import { withoutSecrets } from './hook-secrets.ts';
import { hookSchema } from '../tree-format.ts';

const hook = (more: Record<string, unknown>) => hookSchema.parse({ id: 'h', title: 't', ...more });

test.each([
  ['as a text', (payload: unknown) => JSON.stringify({ type: 'URL', payload })],
  ['as an object', (payload: unknown) => ({ type: 'URL', payload })],
])('S23: a notification %s keeps what it does and not where and with what', (_, make) => {
  const payload = { method: 'POST', path: 'https://x/S', headers: [{ value: 'S' }], auth: { password: 'S' }, body: '' };
  const { hook: clean, withheld } = withoutSecrets(hook({ notification: make(payload), url: 'https://x/S' }));
  expect(JSON.stringify(clean)).not.toContain('S"');
  expect(clean['notification']).toEqual({ type: 'URL', payload: { method: 'POST' } });
  expect(withheld).toEqual([
    'url',
    'notification.payload.path',
    'notification.payload.headers',
    'notification.payload.auth',
  ]);
});

test('S23: what is not understood is withheld as a whole', () => {
  const { hook: clean, withheld } = withoutSecrets(hook({ notification: { type: 'Slack', payload: 'https://S' } }));
  expect(clean['notification']).toEqual({ type: 'Slack', payload: {} });
  expect(withheld).toEqual(['notification.payload']);
});

test('a hook without a notification is whole', () => {
  expect(withoutSecrets(hook({ active: 1 })).withheld).toEqual([]);
});
