import { expect, test } from 'vitest';
import { failure, hostile, success } from '../../../test/support/messages.ts';
import { ntfyMessage } from './message.ts';
import { ntfyOptions } from './options.ts';

const options = ntfyOptions.parse({ type: 'ntfy', topic: 'backups', tags: ['floppy_disk'] });

test('topic, title, text, priority, tags and where a tap leads', () => {
  expect(ntfyMessage(failure, options)).toMatchObject({
    topic: 'backups',
    title: 'CRITICAL: backup of shop failed',
    priority: 4,
    tags: ['rotating_light', 'floppy_disk'],
    click: failure.link,
    message: expect.stringMatching(/^The backup of shop .*\nErrors:\n- DISK_FULL/s),
  });
  expect(ntfyMessage({ ...failure, severity: 'warning' }, options)).toMatchObject({ priority: 3 });
  expect(ntfyMessage({ ...success, link: null }, options)).not.toHaveProperty('click');
  expect(ntfyMessage(success, options)).toMatchObject({ priority: 2, tags: ['white_check_mark', 'floppy_disk'] });
});

test('priorities are a matter of taste', () => {
  const loud = ntfyOptions.parse({ type: 'ntfy', topic: 'x', priority: { critical: 5 } });
  expect(ntfyMessage(failure, loud).priority).toBe(5);
  expect(ntfyMessage(success, loud).priority).toBe(2);
});

test('a text and no file: within the bytes that ntfy shows', () => {
  const endless = { ...hostile, what: '💥'.repeat(9000), meaning: 'ü'.repeat(9000) };
  for (const message of [hostile, endless]) {
    expect(Buffer.byteLength(ntfyMessage(message, options).message)).toBeLessThanOrEqual(4096);
  }
});
