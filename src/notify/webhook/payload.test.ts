import { describe, expect, test } from 'vitest';
import { failure, hostile, report, success } from '../../../test/support/messages.ts';
import { payloadOf } from './payload.ts';

/** In the order the other system documents them. */
const known = [
  'backup_id',
  'status',
  'message',
  'instance_name',
  'bases_count',
  'tables_count',
  'records_count',
  'total_size',
  'duration_seconds',
  'local_path',
  's3_path',
  'database_dump_size',
  'file_backup_size',
  'error_messages',
];

describe('N-32: the payload', () => {
  test('holds every key for every message, and ours in one of its own', () => {
    for (const message of [failure, success, report, hostile]) {
      expect(Object.keys(payloadOf(message, '1.2.3'))).toEqual([...known, 'holdfast']);
    }
  });

  test('of a success', () => {
    const { holdfast, ...payload } = payloadOf(success, '1.2.3');
    expect(payload).toEqual({
      backup_id: '2026-11-21_04-15-00',
      status: 'success',
      message: success.what,
      instance_name: 'web-1',
      bases_count: 2,
      tables_count: 17,
      records_count: 4711,
      total_size: 1_234_567,
      duration_seconds: 12.3,
      local_path: '/backups/shop/2026-11-21_04-15-00',
      s3_path: 's3://backups/shop/2026-11-21_04-15-00',
      database_dump_size: 1_000_000,
      file_backup_size: 234_567,
      error_messages: [],
    });
    expect(holdfast).toEqual({
      format: 1,
      version: '1.2.3',
      id: success.id,
      at: success.at,
      kind: 'success',
      severity: 'info',
      source: 'shop',
      title: success.title,
      meaning: null,
      todo: [],
      facts: success.facts,
      run: success.run,
      link: success.link,
      report: null,
    });
  });

  test('of a failure: what is not known is null', () => {
    expect(payloadOf(failure, '1.2.3')).toMatchObject({
      backup_id: null,
      status: 'error',
      total_size: null,
      duration_seconds: 245,
      local_path: null,
      s3_path: null,
      error_messages: failure.errors,
      holdfast: { severity: 'critical', meaning: failure.meaning, todo: failure.todo },
    });
  });

  test('N-29: status is success, warning or error', () => {
    const status = (change: object) => payloadOf({ ...failure, ...change }, '1')['status'];
    expect(status({})).toBe('error');
    expect(status({ severity: 'warning' })).toBe('warning');
    expect(status({ kind: 'reminder' })).toBe('error');
    expect(status({ kind: 'resolved' })).toBe('success');
    expect(status({ kind: 'test' })).toBe('success');
  });

  test('of a report: its text', () => {
    expect(payloadOf(report, '1')).toMatchObject({
      backup_id: null,
      holdfast: { report: report.page?.text, run: null },
    });
  });
});
