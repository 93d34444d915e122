import { expect, test } from 'vitest';
import { failure, hostile, report } from '../../test/support/messages.ts';
import { escapeHtml, htmlOf } from './html.ts';

test('N-d21: every value is escaped, wherever it stands', () => {
  const tricky = `<x a="b" c='d'>&`;
  const shown = '&lt;x a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;';
  const html = htmlOf({
    ...failure,
    title: tricky,
    what: tricky,
    meaning: tricky,
    todo: [tricky],
    facts: [{ name: tricky, value: tricky }],
    errors: [tricky],
    instance: tricky,
    link: `https://backup.example.com/?a="><script>&b='`,
    page: { text: tricky, html: '' },
  });
  expect(html).not.toContain(tricky);
  expect(html.split(shown)).toHaveLength(1 + 10); // the title stands at the top, too
  expect(html).not.toMatch(/<script|<x/);
  expect(escapeHtml(tricky)).toBe(shown);
});

test('nothing is fetched from anywhere, and nothing runs', () => {
  for (const message of [failure, hostile, report]) {
    const tags = htmlOf(message).match(/<[^>]*>/g) ?? [];
    expect(tags.length).toBeGreaterThan(20);
    expect(tags.filter((tag) => /^<(img|script|link|iframe|object|form|svg)|url\(|\ssrc=|\son\w+=/i.test(tag))).toEqual(
      [],
    );
  }
});

test('says everything, and knows the night', () => {
  const html = htmlOf(failure);
  const all = [
    failure.title,
    failure.what,
    failure.meaning,
    ...failure.todo,
    ...failure.errors,
    failure.link,
    'web-1',
    'CRITICAL',
  ];
  for (const words of all) expect(html).toContain(words);
  expect(html).toContain('prefers-color-scheme: dark');
  expect(htmlOf({ ...failure, link: 'javascript:alert(1)' })).not.toContain('javascript');
});

test('colours follow what it is', () => {
  expect(htmlOf(failure)).toContain('background:#b3261e');
  expect(htmlOf({ ...failure, severity: 'warning' })).toContain('background:#9a6700');
  expect(htmlOf({ ...failure, kind: 'resolved' })).toContain('background:#1a7f37');
});
