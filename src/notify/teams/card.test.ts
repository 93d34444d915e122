import { describe, expect, test } from 'vitest';
import { failure, hostile, report, success } from '../../../test/support/messages.ts';
import type { Message } from '../channel.ts';
import { cardMessage } from './card.ts';

interface Element {
  type: string;
  inlines?: { text: string; color?: string }[];
  facts?: { title: string; value: string }[];
}

function cardOf(message: Message) {
  const { attachments, ...rest } = cardMessage(message) as {
    attachments: {
      contentType: string;
      content: { type: string; version: string; body: Element[]; actions?: unknown };
    }[];
  };
  expect(rest).toEqual({ type: 'message' });
  expect(attachments).toHaveLength(1);
  expect(attachments[0]?.contentType).toBe('application/vnd.microsoft.card.adaptive');
  const content = attachments[0]?.content;
  expect(content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' });
  return { body: content?.body ?? [], actions: content?.actions };
}

const textsOf = (body: Element[]) => body.flatMap(({ inlines = [] }) => inlines.map(({ text }) => text));

describe('N-31: an Adaptive Card for the workflows of Teams', () => {
  test('heading, message, what to do, facts, one line for each error', () => {
    const { body, actions } = cardOf(failure);
    expect(textsOf(body)).toEqual([
      'CRITICAL',
      failure.title,
      failure.what,
      'What it means',
      failure.meaning,
      'What to do',
      `1. ${failure.todo[0]}`,
      `2. ${failure.todo[1]}`,
      'Errors',
      failure.errors[0],
    ]);
    expect(body.find(({ type }) => type === 'FactSet')?.facts).toEqual([
      { title: 'Instance', value: 'web-1' },
      { title: 'Source', value: 'shop' },
      { title: 'Time', value: '2026-11-21 03:15 UTC' },
      { title: 'Run', value: '20261121-031500-a1b2c3' },
      { title: 'Duration', value: '4 min 05 s' },
    ]);
    expect(actions).toEqual([{ type: 'Action.OpenUrl', title: 'Look here', url: failure.link }]);
  });

  test.each<[Message, string]>([
    [failure, 'Attention'],
    [{ ...failure, severity: 'warning' }, 'Warning'],
    [success, 'Good'],
    [{ ...failure, kind: 'resolved' }, 'Good'],
    [{ ...success, kind: 'test' }, 'Accent'],
  ])('the heading has the colour of what it is (%#)', (message, color) => {
    expect(cardOf(message).body[1]?.inlines?.[0]).toMatchObject({ text: message.title, color });
  });

  test('no text is formatting: all of it is rich text, and facts are escaped', () => {
    const { body, actions } = cardOf({
      ...hostile,
      facts: [{ name: '*a*', value: '[x](http://evil) my_own_table _b_ `c`' }],
    });
    expect(new Set(body.map(({ type }) => type))).toEqual(new Set(['RichTextBlock', 'FactSet']));
    expect(body.find(({ facts }) => facts)?.facts?.at(-1)).toEqual({
      title: '\\*a\\*',
      value: '\\[x\\](http://evil) my_own_table \\_b\\_ \\`c\\`',
    });
    expect(actions).toBeUndefined();
  });

  test('each line is a block of its own, and an empty one stays', () => {
    const { body } = cardOf({ ...success, what: 'one\n\ntwo' });
    expect(textsOf(body).slice(2, 5)).toEqual(['one', '\u00A0', 'two']);
  });

  test('never more than Teams takes', () => {
    const endless = { ...hostile, what: '💥'.repeat(50_000), page: { text: '"'.repeat(90_000), html: '' } };
    for (const message of [
      hostile,
      endless,
      { ...endless, errors: Array.from({ length: 999 }, () => '\\'.repeat(999)) },
    ]) {
      expect(Buffer.byteLength(JSON.stringify(cardMessage(message)))).toBeLessThanOrEqual(28 * 1024);
    }
  });

  test('a report is in it as text', () => {
    expect(textsOf(cardOf(report).body)).toContain('crm:  14 backups, 1.1 GB');
  });
});
