import { expect, test } from 'vitest';
import { alertHandlers } from './alerts.ts';
import type { ApiParts } from './parts.ts';

interface Seen {
  incidents: { key: string }[];
  channels: { name: string; sources: string[] | null }[];
  undelivered: { id: string }[];
}

const finding = (code: string, storage: string | null) => ({ code, source: null, storage });
const delivery = (id: string, source: string | null) => ({ id, channel: 'mail', message: { source } });
const house = {
  findSources: async () => ['mine', 'theirs', 'secret'].map((name) => ({ name, storages: [{ name: `at-${name}` }] })),
  catalog: {
    marks: {
      get: () => ({
        detail: {
          findings: [
            finding('DAEMON_DOWN', null),
            finding('SPACE_SHORT', 'at-mine'),
            finding('SPACE_SHORT', 'at-secret'),
          ],
        },
      }),
    },
  },
  alerts: {
    overview: () => ({
      channels: [
        { name: 'all', kind: 'mail', level: 'problems', sources: null },
        { name: 'both', kind: 'mail', level: 'problems', sources: ['mine', 'theirs'] },
        { name: 'other', kind: 'mail', level: 'problems', sources: ['secret'] },
      ],
      incidents: [
        { key: 'backup-failed/mine', source: 'mine' },
        { key: 'backup-failed/secret', source: 'secret' },
        { key: 'prune-failed', source: null },
        { key: 'DAEMON_DOWN//', source: null },
        { key: 'SPACE_SHORT//at-mine', source: null },
        { key: 'SPACE_SHORT//at-secret', source: null },
      ],
      undelivered: [delivery('a', 'mine'), delivery('b', 'secret'), delivery('c', null)],
    }),
  },
};

test('whoever may see some sources only is told of no other one by channels, incidents and messages', async () => {
  const handlers = alertHandlers({ house } as unknown as ApiParts);
  const seen = async (sources: string[] | null) => {
    const call = { principal: { grant: { role: 'viewer', sources, actions: null } } };
    const { channels, incidents, undelivered } = (await handlers.alerts(call as never)) as Seen;
    return {
      channels: channels.map(({ name, sources: of }) => [name, of]),
      incidents: incidents.map(({ key }) => key),
      messages: undelivered.map(({ id }) => id),
    };
  };
  expect(await seen(['mine'])).toEqual({
    channels: [
      ['all', null],
      ['both', ['mine']],
    ],
    incidents: ['backup-failed/mine', 'DAEMON_DOWN//', 'SPACE_SHORT//at-mine'],
    messages: ['a'],
  });
  expect(await seen(null)).toEqual({
    channels: [
      ['all', null],
      ['both', ['mine', 'theirs']],
      ['other', ['secret']],
    ],
    incidents: [
      'backup-failed/mine',
      'backup-failed/secret',
      'prune-failed',
      'DAEMON_DOWN//',
      'SPACE_SHORT//at-mine',
      'SPACE_SHORT//at-secret',
    ],
    messages: ['a', 'b', 'c'],
  });
});
