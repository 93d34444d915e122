import { expect, test } from 'vitest';
import { failure, hostile, report, success } from '../../test/support/messages.ts';
import { subjectOf, textOf } from './text.ts';

test('N-30: the subject holds a sign, the product, the instance and the status in words', () => {
  expect(subjectOf(failure)).toBe('[X] Holdfast web-1 CRITICAL: backup of shop failed');
  expect(subjectOf({ ...failure, severity: 'warning' })).toBe('[!] Holdfast web-1 WARNING: backup of shop failed');
  expect(subjectOf({ ...failure, kind: 'resolved' })).toBe('[+] Holdfast web-1 RESOLVED: backup of shop failed');
  expect(subjectOf(success)).toBe('[+] Holdfast web-1 SUCCESS: backup of shop succeeded');
  expect(subjectOf({ ...success, kind: 'test', title: 'this is a test' })).toBe(
    '[i] Holdfast web-1 TEST: this is a test',
  );
  expect(subjectOf(hostile)).not.toMatch(/[\r\n]/);
});

test('the text says what happened, what it means and what to do, then the rest', () => {
  expect(textOf(failure)).toBe(`[X] CRITICAL: backup of shop failed

The backup of shop that started at 03:15 UTC failed after 4 tries.

What it means: The newest good backup is 26 h old; anything newer would be lost.

What to do:
1. Free some space on the disk that holds /backups.
2. Run holdfast backup shop.

Look here: https://backup.example.com/runs/20261121-031500-a1b2c3

Instance: web-1
Source:   shop
Time:     2026-11-21 03:15 UTC
Run:      20261121-031500-a1b2c3
Duration: 4 min 05 s

Errors:
- DISK_FULL: no space left on the disk that holds /backups/shop`);
});

test('what there is nothing to say about takes no line', () => {
  const bare = { ...success, facts: [], link: null, source: null };
  expect(textOf(bare)).toBe(`[+] SUCCESS: backup of shop succeeded

The backup of shop is stored in 2 places.

Instance: web-1
Time:     2026-11-21 03:15 UTC`);
});

test('lines of an error and of a step stay below it', () => {
  const text = textOf({ ...failure, todo: ['first\nthen'], errors: ['one\ntwo', 'three'] });
  expect(text).toContain('1. first\n   then');
  expect(text).toContain('- one\n  two\n- three');
});

test('a report is part of the text', () => {
  expect(textOf(report)).toMatch(/crm: {2}14 backups, 1\.1 GB$/);
});
