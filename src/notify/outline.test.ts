import { describe, expect, test } from 'vitest';
import { failure, hostile, report, success } from '../../test/support/messages.ts';
import { Secret } from '../base/secret.ts';
import type { Message } from './channel.ts';
import { clip, clipBytes, fitted, oneLine, outlineOf, toneOf, wordOf } from './outline.ts';

test.each<[Message['kind'], Message['severity'], string, string]>([
  ['problem', 'critical', 'bad', 'CRITICAL'],
  ['problem', 'warning', 'warning', 'WARNING'],
  ['problem', 'info', 'plain', 'NOTICE'],
  ['reminder', 'critical', 'bad', 'STILL CRITICAL'],
  ['reminder', 'warning', 'warning', 'STILL WARNING'],
  ['resolved', 'critical', 'good', 'RESOLVED'],
  ['resolved', 'info', 'good', 'RESOLVED'],
  ['success', 'info', 'good', 'SUCCESS'],
  ['report', 'info', 'good', 'REPORT'],
  ['report', 'critical', 'bad', 'REPORT, CRITICAL'],
  ['test', 'info', 'plain', 'TEST'],
  ['test', 'critical', 'plain', 'TEST'],
])('%s, %s looks %s and is called %s', (kind, severity, tone, word) => {
  const message = { ...failure, kind, severity };
  expect([toneOf(message), wordOf(message)]).toEqual([tone, word]);
});

describe('what a message is made of', () => {
  test('instance, source and time come first, unless the message names them itself', () => {
    expect(outlineOf(failure).facts.map(({ name }) => name)).toEqual(['Instance', 'Source', 'Time', 'Run', 'Duration']);
    const named = { ...failure, source: null, facts: [{ name: 'time', value: 'at noon' }] };
    expect(outlineOf(named).facts).toEqual([
      { name: 'Instance', value: 'web-1' },
      { name: 'time', value: 'at noon' },
    ]);
  });

  test('S27: nothing in it moves a cursor, turns the direction of reading or begins a line of its own', () => {
    const outline = outlineOf(hostile);
    expect(outline.title).toBe('backup of "shop" Bcc: victim@example.com <script>alert(1)</script> failed 💥');
    expect(outline.meaning).toBe('right to left gnp.exe and bell  and null  and half a character \uFFFD.');
    expect(outline.errors[1]).toBe('red');
    expect(outline.facts.map(({ name }) => name)).toContain('<b>name</b> X-Evil: 1');
    expect(outline.link).toBeNull();
    expect(outline.moreErrors).toBe(483);
  });

  test('S23: no known secret is in it', () => {
    const secret = 'kanarienvogel-outline';
    void new Secret(secret);
    const telling = { ...failure, title: secret, what: secret, meaning: secret, todo: [secret], errors: [secret] };
    expect(JSON.stringify(outlineOf({ ...telling, facts: [{ name: 'x', value: secret }] }))).not.toContain(secret);
  });

  test('a title that is empty is still one', () => {
    expect(outlineOf({ ...failure, title: '\n' }).title).toBe('message');
  });

  test('the page that goes along is there as text', () => {
    expect(outlineOf(report).page).toBe(report.page?.text);
    expect(outlineOf(success).page).toBeNull();
  });
});

describe('less and less, until it fits', () => {
  const length = (message: Message, most: number) => {
    const form = (text: { what: string; errors: readonly string[] }) => text.what + text.errors.join('');
    return fitted(message, form, (text) => text.length <= most).length;
  };
  const endless = { ...failure, what: 'x'.repeat(10_000), errors: Array.from({ length: 30 }, () => 'y'.repeat(9000)) };

  test('all of it where there is room, and the least where nothing fits', () => {
    expect(length(failure, 1000)).toBe(failure.what.length + String(failure.errors[0]).length);
    expect(length(endless, 50_000)).toBe(44_000);
    expect(length(endless, 10_000)).toBe(5500);
    expect(length(endless, 2000)).toBe(1350);
    expect(length(endless, 10)).toBe(300);
  });
});

test('a cut text is never longer than asked for, and never ends in half a character', () => {
  expect(clip('abcdef', 6)).toBe('abcdef');
  expect(clip('abcdefg', 6)).toBe('abcd …');
  expect(clip('abc💥efg', 6)).toBe('abc …');
  expect(clipBytes('äöü', 6)).toBe('äöü');
  expect(clipBytes('äöüä', 7)).toBe('ä …');
  expect(Buffer.byteLength(clipBytes('💥'.repeat(100), 50))).toBeLessThanOrEqual(50);
});

test('one line is one line', () => {
  expect(oneLine(' a\r\nBcc: b\u2028c\td\u0085e ')).toBe('a Bcc: bc de');
});
