import type { ChannelContext, Message, Ping } from '../../src/notify/channel.ts';
import { silentLogger } from '../../src/base/logger.ts';

export const at = '2026-11-21T03:15:00.000Z';

export const channelContext: ChannelContext = {
  clock: { now: () => new Date(at), monotonic: () => 0 },
  logger: silentLogger,
  version: '1.2.3',
};

/** What somebody reads at three in the morning. */
export const failure: Message = {
  id: 'incident-7/1',
  at,
  instance: 'web-1',
  kind: 'problem',
  severity: 'critical',
  source: 'shop',
  title: 'backup of shop failed',
  what: 'The backup of shop that started at 03:15 UTC failed after 4 tries.',
  meaning: 'The newest good backup is 26 h old; anything newer would be lost.',
  todo: ['Free some space on the disk that holds /backups.', 'Run holdfast backup shop.'],
  facts: [
    { name: 'Run', value: '20261121-031500-a1b2c3' },
    { name: 'Duration', value: '4 min 05 s' },
  ],
  errors: ['DISK_FULL: no space left on the disk that holds /backups/shop'],
  run: {
    run: '20261121-031500-a1b2c3',
    operation: 'backup',
    state: 'failed',
    backup: null,
    durationMs: 245_040,
    bytes: null,
    databaseBytes: null,
    fileBytes: null,
    bases: null,
    tables: null,
    records: null,
    places: [],
  },
  link: 'https://backup.example.com/runs/20261121-031500-a1b2c3',
  page: null,
};

export const success: Message = {
  ...failure,
  id: 'run-8',
  kind: 'success',
  severity: 'info',
  title: 'backup of shop succeeded',
  what: 'The backup of shop is stored in 2 places.',
  meaning: null,
  todo: [],
  errors: [],
  run: {
    run: '20261121-041500-d4e5f6',
    operation: 'backup',
    state: 'succeeded',
    backup: '2026-11-21_04-15-00',
    durationMs: 12_340,
    bytes: 1_234_567,
    databaseBytes: 1_000_000,
    fileBytes: 234_567,
    bases: 2,
    tables: 17,
    records: 4711,
    places: [
      { storage: 'local', kind: 'local', path: '/backups/shop/2026-11-21_04-15-00' },
      { storage: 'cloud', kind: 's3', path: 's3://backups/shop/2026-11-21_04-15-00' },
    ],
  },
};

export const report: Message = {
  ...success,
  id: 'report-9',
  kind: 'report',
  title: 'weekly report',
  what: 'Everything is all right.',
  run: null,
  link: null,
  page: { text: 'shop: 14 backups, 3.4 GB\ncrm:  14 backups, 1.1 GB', html: '<!doctype html><h1>Report ü</h1>' },
};

/** Whoever names a table or makes a tool complain can write any of this. */
export const hostile: Message = {
  ...failure,
  id: 'incident-8/1\r\nBcc: victim@example.com',
  instance: 'web-1\r\nBcc: victim@example.com',
  title: 'backup of "shop"\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script> failed 💥',
  what: '<img src=x onerror=alert(1)> & "quotes" \'single\' `ticks` *stars* _lines_ <!channel> @everyone [a](http://evil)',
  meaning: 'right to left \u202Egnp.exe and bell \u0007 and null \u0000 and half a character \uD83D.',
  todo: ['```\nend of block\n```', '.\r\nMAIL FROM:<evil@example.com>\r\n.'],
  facts: [
    { name: '<b>name</b>\r\nX-Evil: 1', value: '</td></tr></table><h1>' },
    { name: '', value: '' },
  ],
  errors: ['</pre><script>alert(2)</script>', '\u001B[31mred\u001B[0m', '💥'.repeat(20_000), ...longList()],
  link: 'javascript:alert(3)',
};

export const ping: Ping = {
  phase: 'success',
  at,
  instance: 'web-1',
  source: 'shop.main',
  operation: 'backup',
  run: '20261121-041500-d4e5f6',
  durationMs: 12_340,
  detail: null,
};

function longList(): string[] {
  return Array.from({ length: 500 }, (_none, index) => `error ${index} ${'"&<>\\'.repeat(100)}`);
}
