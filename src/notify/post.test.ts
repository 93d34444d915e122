import { expect, test } from 'vitest';
import { retryAfterMs, wordsOf } from './post.ts';

test.each([
  ['invalid_payload', 'invalid_payload'],
  ['{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}', 'Bad Request: chat not found'],
  ['{"message": "Unknown Webhook", "code": 10015}', 'Unknown Webhook'],
  ['{"ok":false,"msg":"Monitor not found or not active."}', 'Monitor not found or not active.'],
  ['{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"not enabled"}}', 'not enabled'],
  ['{"code":40301,"http":403,"error":"forbidden","link":"x"}', 'forbidden'],
  ['<html><head><style>p { color: red }</style></head><body><p>Not\n  here</p></body></html>', 'Not here'],
  ['null', 'null'],
  ['', ''],
  ['x'.repeat(1000), `${'x'.repeat(198)} …`],
])('the sentence in %j', (text, sentence) => {
  expect(wordsOf(text)).toBe(sentence);
});

test.each<[string | null, string, number | null]>([
  ['7', '', 7000],
  ['0.5', '', 500],
  [null, '{"retry_after": 1.25}', 1250],
  [null, '{"ok":false,"parameters":{"retry_after":35}}', 35_000],
  ['Sat, 21 Nov 2026 03:16:00 GMT', '', 60_000],
  ['Sat, 21 Nov 2026 03:14:00 GMT', '', 0],
  ['99999999', '', 3_600_000],
  ['soon', 'not json', null],
  [null, '{"retry_after": -1}', null],
])('when to come back: %j, %j', (header, text, ms) => {
  expect(retryAfterMs(header, text, Date.parse('2026-11-21T03:15:00Z'))).toBe(ms);
});
