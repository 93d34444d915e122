import { expect, test } from 'vitest';
import { alertHandlers } from './alerts.ts';
import type { ApiParts } from './parts.ts';

interface Seen {
  channels: { name: string; sources: string[] | null }[];
  undelivered: { id: string }[];
}

const delivery = (id: string, source: string | null) => ({ id, channel: 'mail', message: { source } });
const house = {
  findSources: async () => ['mine', 'theirs', 'secret'].map((name) => ({ name })),
  alerts: {
    overview: () => ({
      channels: [
        { name: 'all', kind: 'mail', level: 'problems', sources: null },
        { name: 'both', kind: 'mail', level: 'problems', sources: ['mine', 'theirs'] },
        { name: 'other', kind: 'mail', level: 'problems', sources: ['secret'] },
      ],
      incidents: [{ source: 'mine' }, { source: 'secret' }, { source: null }],
      undelivered: [delivery('a', 'mine'), delivery('b', 'secret'), delivery('c', null)],
    }),
  },
};

test('whoever may see some sources only is told of no other one by channels and messages', async () => {
  const handlers = alertHandlers({ house } as unknown as ApiParts);
  const seen = async (sources: string[] | null) => {
    const call = { principal: { grant: { role: 'viewer', sources, actions: null } } };
    const { channels, undelivered } = (await handlers.alerts(call as never)) as Seen;
    return { channels: channels.map(({ name, sources: of }) => [name, of]), messages: undelivered.map(({ id }) => id) };
  };
  expect(await seen(['mine'])).toEqual({
    channels: [
      ['all', null],
      ['both', ['mine']],
    ],
    messages: ['a'],
  });
  expect(await seen(null)).toEqual({
    channels: [
      ['all', null],
      ['both', ['mine', 'theirs']],
      ['other', ['secret']],
    ],
    messages: ['a', 'b', 'c'],
  });
});
