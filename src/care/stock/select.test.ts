import { describe, expect, test } from 'vitest';
import type { BackupFacts, CopyState } from '../../catalog/catalog.ts';
import { describeNewer, newerThan, selectBackup, type Selectable } from './select.ts';

function row(id: string, state: CopyState = 'complete', storage = 'local'): Selectable & { storage: string } {
  return { id, state, storage, facts: null };
}

const rows = [
  row('2026-11-18_05-15-00'),
  row('2026-11-20_05-15-00'),
  row('2026-11-20_05-15-00-2'),
  row('2026-11-20_05-15-00-10'),
  row('2026-11-21_05-15-00', 'corrupt'),
];
const pick = (text: string) => selectBackup(rows, text).id;

describe('selectBackup', () => {
  test.each([
    ['a full id', '2026-11-18_05-15-00', '2026-11-18_05-15-00'],
    ['a full id that is also the prefix of others', '2026-11-20_05-15-00', '2026-11-20_05-15-00'],
    ['a unique prefix', '2026-11-18', '2026-11-18_05-15-00'],
    ['a damaged one by its name', '2026-11-21', '2026-11-21_05-15-00'],
    ['S21 latest: the newest that is complete, -10 being after -2', 'latest', '2026-11-20_05-15-00-10'],
  ])('%s', (_title, text, id) => {
    expect(pick(text)).toBe(id);
  });

  test('an ambiguous prefix lists what it could mean', () => {
    expect(() => pick('2026-11-20')).toThrow(
      expect.objectContaining({
        code: 'BACKUP_AMBIGUOUS',
        kind: 'usage',
        details: { matches: ['2026-11-20_05-15-00', '2026-11-20_05-15-00-2', '2026-11-20_05-15-00-10'] },
      }),
    );
  });
  test.each([
    ['close to one', '2026-11-18_05-16-00', ['2026-11-18_05-15-00']],
    ['close to none', 'yesterday', rows.map(({ id }) => id)],
    ['empty', '', rows.map(({ id }) => id)],
  ])('an unknown id, %s, names the nearest', (_title, text, near) => {
    expect(() => pick(text)).toThrow(
      expect.objectContaining({ code: 'BACKUP_UNKNOWN', kind: 'usage', details: { near } }),
    );
  });
  test('of many only the last few are named', () => {
    const many = Array.from({ length: 30 }, (_, day) => row(`2026-10-${String(day + 1).padStart(2, '0')}_05-15-00`));
    expect(() => selectBackup(many, 'x')).toThrow(
      expect.objectContaining({
        hint: expect.stringMatching(/^There are 25 earlier ones and 2026-10-26_05-15-00, .*2026-10-30/),
      }),
    );
  });
  test('nothing there yet', () => {
    expect(() => selectBackup([], 'latest')).toThrow(
      expect.objectContaining({ code: 'BACKUP_UNKNOWN', message: 'there are no backups yet' }),
    );
    expect(() => selectBackup([], '2026')).toThrow(
      expect.objectContaining({ code: 'BACKUP_UNKNOWN', hint: expect.stringContaining('holdfast backup') }),
    );
    expect(() => selectBackup([row('2026-11-18_05-15-00', 'corrupt')], 'latest')).toThrow(
      expect.objectContaining({ message: 'no backup is complete' }),
    );
  });
  test('of several copies the first complete one', () => {
    const copies = [
      row('2026-11-18_05-15-00', 'corrupt'),
      row('2026-11-18_05-15-00', 'complete', 'offsite'),
      row('2026-11-18_05-15-00', 'complete', 'third'),
    ];
    expect(selectBackup(copies, 'latest').storage).toBe('offsite');
    expect(selectBackup(copies, '2026-11-18').storage).toBe('offsite');
  });
  test('latest goes by the time in the manifest', () => {
    const facts = (startedAt: string) => ({ startedAt }) as NonNullable<Selectable['facts']>;
    const odd = [
      { ...row('2026-11-20_05-15-00'), facts: facts('2026-11-20T05:15:00.000Z') },
      { ...row('2020-01-01_00-00-00'), facts: facts('2026-11-21T05:15:00.000Z') },
    ];
    expect(selectBackup(odd, 'latest').id).toBe('2020-01-01_00-00-00');
  });
});

describe('what `latest` passed over', () => {
  const made = (id: string, change: Partial<BackupFacts> = {}): Selectable => ({
    ...row(id),
    facts: {
      startedAt: `${id.slice(0, 10)}T05:15:00.000Z`,
      only: null,
      lacks: [],
      trigger: 'manual',
      ...change,
    } as BackupFacts,
  });
  const whole = made('2026-11-18_05-15-00');
  const some = made('2026-11-19_05-15-00', { only: ['files', 'app'] });
  const safety = made('2026-11-20_05-15-00', { trigger: 'safety' });

  test('the newest one after it that has fewer parts, or is damaged', () => {
    expect(newerThan([some, whole], whole)).toEqual({ id: some.id, parts: ['files', 'app'] });
    expect(newerThan([whole, some, row('2026-11-21_05-15-00', 'corrupt')], whole)).toEqual({
      id: '2026-11-21_05-15-00',
      parts: null,
    });
    const unreadable = newerThan([whole, row('2026-11-21_05-15-00', 'unreadable')], whole);
    expect(unreadable && describeNewer(unreadable)).toContain('2026-11-21_05-15-00, cannot be read here;');
    expect(describeNewer({ id: some.id, parts: ['files', 'app'] })).toContain('has only the files and the app;');
  });
  test('none that is older, or was made for safety', () => {
    expect(newerThan([whole, safety], whole)).toBeNull();
    expect(newerThan([whole, some], some)).toBeNull();
  });
});
