import { expect, test } from 'vitest';
import { failure, hostile, report, success } from '../../../test/support/messages.ts';
import type { Message } from '../channel.ts';
import { discordMessage } from './embed.ts';

interface Embed {
  title: string;
  description: string;
  color: number;
  timestamp: string;
  url?: string;
  footer: { text: string };
  fields: { name: string; value: string; inline: boolean }[];
}

function embedOf(message: Message): Embed {
  const { embeds, allowed_mentions: mentions } = discordMessage(message) as {
    embeds: Embed[];
    allowed_mentions: unknown;
  };
  expect(mentions).toEqual({ parse: [] });
  expect(embeds).toHaveLength(1);
  return embeds[0] as Embed;
}

test('one embed with everything', () => {
  expect(embedOf(failure)).toEqual({
    title: 'CRITICAL: backup of shop failed',
    description: `${failure.what}

**What it means:** ${failure.meaning}

**What to do**
1. ${failure.todo[0]}
2. ${failure.todo[1]}

**Errors**
\`\`\`
DISK_FULL: no space left on the disk that holds /backups/shop
\`\`\``,
    color: 0xd3_2f_2f,
    timestamp: failure.at,
    url: failure.link,
    footer: { text: 'Holdfast' },
    fields: [
      { name: 'Instance', value: 'web-1', inline: true },
      { name: 'Source', value: 'shop', inline: true },
      { name: 'Time', value: '2026-11-21 03:15 UTC', inline: true },
      { name: 'Run', value: '20261121-031500-a1b2c3', inline: true },
      { name: 'Duration', value: '4 min 05 s', inline: true },
    ],
  });
  expect(embedOf(success).color).toBe(0x2e_9e_4f);
});

test('no text is formatting, and none ends a block of code', () => {
  const { title, description } = embedOf({
    ...failure,
    title: 'a_b_ *c*',
    what: '# big\n- item\n[x](http://evil) ~~d~~ ||e|| <@1>',
    meaning: null,
    todo: [],
    errors: ['one ``` two', 'end `'],
  });
  expect(title).toBe('CRITICAL: a\\_b\\_ \\*c\\*');
  expect(description.split('\n\n')[0]).toBe(
    '\\# big\n\\- item\n\\[x\\](http://evil) \\~\\~d\\~\\~ \\|\\|e\\|\\| \\<@1\\>',
  );
  expect(description.match(/```/g)).toHaveLength(4);
});

test('within the limits of Discord', () => {
  const facts = Array.from({ length: 60 }, (_none, at) => ({ name: `_${at}_`.repeat(50), value: '*'.repeat(2000) }));
  const endless = { ...hostile, title: '*'.repeat(999), what: '_'.repeat(50_000), facts };
  for (const message of [failure, success, report, hostile, endless, { ...failure, facts }]) {
    const { title, description, fields, footer } = embedOf(message);
    expect(title.length).toBeLessThanOrEqual(256);
    expect(description.length).toBeLessThanOrEqual(4096);
    expect(fields.length).toBeLessThanOrEqual(25);
    const all = [title, description, footer.text, ...fields.flatMap(({ name, value }) => [name, value])];
    for (const { name, value } of fields) {
      expect(name.length).toBeLessThanOrEqual(256);
      expect(value.length).toBeLessThanOrEqual(1024);
      expect(name.length * value.length).toBeGreaterThan(0);
    }
    expect(all.join('').length).toBeLessThanOrEqual(6000);
  }
});
