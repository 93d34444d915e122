import { describe, expect, test } from 'vitest';
import { channelContext } from '../../test/support/messages.ts';
import { channelNames, channels, createChannels } from './index.ts';

const email = { type: 'email', from: 'a@example.com', to: ['b@example.com'], smtp: { host: 'mail.example.com' } };

/** What is wrong with it, as `path: message`. */
function problemsOf(options: { type: string } & Record<string, unknown>): string[] {
  const parsed = channels[options.type as keyof typeof channels].schema.safeParse(options);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('every channel has a name of its own', () => {
  const names = channelNames([
    { type: 'email' },
    { type: 'teams' },
    { type: 'email' },
    { type: 'email', name: 'email-3' },
    { type: 'email' },
    { type: 'slack', name: 'ops' },
  ]);
  expect(names).toEqual(['email', 'teams', 'email-2', 'email-3', 'email-4', 'ops']);
  const list = [email, { ...email, level: 'all', sources: ['shop'], name: 'boss' }].map((one) =>
    channels.email.schema.parse(one),
  );
  expect(createChannels(list, channelContext)).toMatchObject([
    { name: 'email', kind: 'email', level: null, sources: null },
    { name: 'boss', kind: 'email', level: 'all', sources: ['shop'] },
  ]);
});

describe('options', () => {
  test('N-30: of mail, as the environment gives them', () => {
    const smtp = { host: 'mail.example.com', port: '2525', tls: 'tls', user: 'me', password: 'x' };
    expect(channels.email.schema.parse({ ...email, to: 'a@example.com, b@example.com', smtp })).toMatchObject({
      to: ['a@example.com', 'b@example.com'],
      fromName: 'Holdfast',
      timeout: 30_000,
      smtp: { port: 2525, tls: 'tls' },
    });
    expect(channels.email.schema.parse(email).smtp).toEqual({ host: 'mail.example.com', tls: 'starttls' });
  });

  test.each([
    [{ ...email, to: [] }, 'to: must name at least one mail address'],
    [{ ...email, to: 'nobody' }, 'to.0: must be a mail address such as ops@example.com'],
    [{ ...email, from: 'a@example.com\r\nBcc: b@example.com' }, 'from: must be a mail address such as ops@example.com'],
    [{ ...email, fromName: 'a\nb' }, 'fromName: must be one line without control characters'],
    [{ ...email, smtp: { host: 'x', user: 'me' } }, 'smtp: needs both user and password, or neither'],
    [{ ...email, smtp: { host: 'x', tls: 'none', ca: 'x' } }, 'smtp: has a ca, which has no meaning with tls: none'],
    [{ ...email, smtp: { host: 'x', port: 0 } }, 'smtp.port: must be a whole number from 1 to 65535'],
    [
      { type: 'slack', url: 'file:///etc/passwd' },
      'url: must be an address such as https://hooks.slack.com/services/..., without user and password',
    ],
    [
      { type: 'slack', url: 'https://me:pw@example.com/x' },
      'url: must be an address such as https://hooks.slack.com/services/..., without user and password',
    ],
    [
      { type: 'slack', url: 'https://example.com/x', timeout: '0s' },
      'timeout: must be a duration from 1s to 10m such as 30s',
    ],
    [{ type: 'slack', url: 'https://example.com/x', sources: [] }, 'sources: must name at least one source'],
    [
      { type: 'telegram', token: 'bot', chat: 1 },
      'token: must be the token of a bot, as @BotFather gives it: 123456:ABC...',
    ],
    [
      { type: 'telegram', token: '1:abcdefghij', chat: 'me' },
      'chat: must be the number of a chat such as -1001234567890, or the @name of a channel',
    ],
    [
      { type: 'ntfy', topic: 'a/b' },
      'topic: must be the name of a topic: letters, digits, dash and underscore, at most 64',
    ],
    [
      { type: 'ntfy', topic: 'a', user: 'me', password: 'x', token: 'y' },
      ': has both a user and a token; only one is allowed',
    ],
    [{ type: 'ntfy', topic: 'a', priority: { critical: 6 } }, 'priority.critical: must be a whole number from 1 to 5'],
    [{ type: 'webhook', url: 'https://example.com', secret: 'short' }, 'secret: must have at least 8 characters'],
    [
      { type: 'webhook', url: 'https://example.com', headers: { a: 'b\r\nc: d' } },
      'headers.a: must be one line of ASCII',
    ],
    [{ type: 'ping' }, ': needs url, or success'],
    [{ type: 'ping', fail: 'https://example.com' }, ': needs success, or url, beside the others'],
  ])('%j is wrong', (options, problem) => {
    expect(problemsOf(options)).toEqual([problem]);
  });

  test('headers that are ours, or that change how the bytes travel, cannot be set', () => {
    for (const name of ['Host', 'content-length', 'X-Signature-256', 'x-holdfast-delivery', 'a b']) {
      expect(problemsOf({ type: 'webhook', url: 'https://example.com', headers: { [name]: 'x' } })).toHaveLength(1);
    }
  });

  test('private addresses are allowed: services of one’s own live there', () => {
    for (const url of ['http://127.0.0.1:8080/x', 'http://[::1]/x', 'https://10.0.0.5', 'http://ntfy']) {
      expect(problemsOf({ type: 'webhook', url })).toEqual([]);
    }
  });

  test('what is unknown is wrong', () => {
    for (const kind of Object.keys(channels))
      expect(problemsOf({ type: kind, colour: 'red' }).join()).toContain('colour');
  });
});
