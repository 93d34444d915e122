import { expect, test } from 'vitest';
import { channelNames as serverNames, channels } from '../../../../src/notify/index.ts';
import {
  channelChanges,
  channelNames,
  draftOfChannel,
  fieldsOf,
  isWhole,
  kinds,
  newDraft,
  type ChannelDraft,
} from './channel-fields.ts';

const webhook = { type: 'webhook', name: 'ci', url: 'https://ci.example.com/••••••', headers: { 'x-team': 'a' } };

test('every kind of channel can be set up here', () => {
  expect([...kinds].toSorted()).toEqual(Object.keys(channels).toSorted());
});

const filled = {
  from: 'holdfast@example.com',
  to: ['ops@example.com'],
  host: 'mail.example.com',
  port: '587',
  tls: 'starttls',
  user: 'holdfast',
  password: 'secret-of-mail',
  url: 'https://example.com/hook',
  token: '123456:ABCdefGHIjkl',
  chat: '-1001234567890',
  server: 'https://ntfy.example.com',
  topic: 'backups',
  secret: 'eight or more',
};

test.each(kinds)('what the form makes of a new channel of kind %s is one the server takes', (kind) => {
  const fields = Object.fromEntries(fieldsOf[kind].map(({ name }) => [name, filled[name]]));
  const draft: ChannelDraft = { kind, name: 'mine', level: 'errors', sources: ['shop'], fields };
  expect(isWhole(draft, undefined)).toBe(true);
  const [change, ...more] = channelChanges(1, draft, undefined);
  expect(more).toEqual([]);
  expect(change?.path).toEqual(['alerts', 'channels', 1]);
  expect(channels[kind].schema.safeParse(change?.value)).toMatchObject({ success: true });
});

test('what is required is asked for, and a secret that is there already is enough', () => {
  expect(isWhole(newDraft('webhook'), undefined)).toBe(false);
  const draft = draftOfChannel(webhook);
  expect(draft && isWhole(draft, webhook)).toBe(true);
});

test('only what was changed is sent, by itself: neither dots nor what the form does not know', () => {
  const draft = draftOfChannel(webhook);
  if (draft === null) throw new Error('a webhook is known');
  expect(draft.fields).toEqual({ url: '', secret: '' });
  expect(channelChanges(0, draft, webhook)).toEqual([]);
  const changed = { ...draft, name: 'builds', level: 'all', fields: { ...draft.fields, secret: 'new secret' } };
  expect(channelChanges(2, changed, webhook)).toEqual([
    { path: ['alerts', 'channels', 2, 'name'], value: 'builds' },
    { path: ['alerts', 'channels', 2, 'level'], value: 'all' },
    { path: ['alerts', 'channels', 2, 'secret'], value: 'new secret' },
  ]);
});

test('what is emptied goes', () => {
  const email = {
    type: 'email',
    from: 'a@example.com',
    to: 'b@example.com, c@example.com',
    smtp: { host: 'mail', port: 25, tls: 'none' },
  };
  const draft = draftOfChannel(email);
  if (draft === null) throw new Error('email is known');
  expect(draft.fields.to).toEqual(['b@example.com', 'c@example.com']);
  expect(channelChanges(0, { ...draft, fields: { ...draft.fields, port: '' } }, email)).toEqual([
    { path: ['alerts', 'channels', 0, 'smtp', 'port'], value: null },
  ]);
});

test('channels without a name go by the name the server gives them', () => {
  const list = [{ type: 'slack' }, { type: 'webhook', name: 'slack-2' }, { type: 'slack' }, { type: 'slack' }];
  expect(channelNames(list)).toEqual(serverNames(list));
});

test('a kind that is not known here is left to the file', () => {
  expect(draftOfChannel({ type: 'pigeon' })).toBeNull();
});
