import { expect, test } from 'vitest';
import { failure, hostile, report, success } from '../../../test/support/messages.ts';
import { slackMessage } from './blocks.ts';

test('a header, and everything else as rich text', () => {
  const { text, blocks } = slackMessage(failure);
  expect(text).toBe('🔴 CRITICAL: backup of shop failed');
  expect(blocks.map(({ type }) => type)).toEqual(['header', 'rich_text']);
  expect(blocks[0]).toEqual({ type: 'header', text: { type: 'plain_text', text, emoji: true } });
  const [, rich] = blocks as { elements?: { type: string }[] }[];
  expect(rich?.elements?.map(({ type }) => type.replace('rich_text_', ''))).toEqual([
    'section',
    'section',
    'section',
    'list',
    'section',
    'section',
    'section',
    'preformatted',
  ]);
  for (const words of [failure.what, failure.meaning, ...failure.todo, ...failure.errors, failure.link]) {
    expect(JSON.stringify(blocks)).toContain(words);
  }
});

test('nobody is called, and no text is formatting', () => {
  const { text, blocks } = slackMessage({ ...hostile, title: '<!channel> & *all*' });
  expect(text).toBe('🔴 CRITICAL: &lt;!channel&gt; &amp; *all*');
  expect(JSON.stringify(blocks)).not.toContain('"mrkdwn"');
});

test('within the limits: the header, the blocks together, and no text that is empty', () => {
  const endless = { ...hostile, title: 'x'.repeat(999), what: '"'.repeat(50_000), errors: ['', 'x'.repeat(9e4)] };
  for (const message of [failure, success, report, hostile, endless, { ...failure, what: '', todo: [''] }]) {
    const { blocks } = slackMessage(message);
    const [header] = blocks as { text?: { text: string } }[];
    expect(header?.text?.text.length).toBeLessThanOrEqual(150);
    expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(13_000);
    expect(JSON.stringify(blocks)).not.toContain('"text":""');
  }
});
