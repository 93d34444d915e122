import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backupId } from '../base/ids.ts';
import { covers, type Part } from './backup-facts.ts';
import { decideRetention, safetyAgeMs, standIns, type RetentionBackup, type RetentionRules } from './retention.ts';

const day = 86_400_000;
const whole: readonly Part[] = ['database', 'files', 'app'];
const now = new Date('2026-11-20T12:00:00Z');

function good(at: string | Date, facts: Partial<RetentionBackup> = {}): RetentionBackup {
  const time = new Date(at);
  return {
    id: backupId(time),
    at: time,
    ok: true,
    held: false,
    drilledOk: false,
    safety: false,
    parts: whole,
    ...facts,
  };
}

function nightly(count: number, until = '2026-11-20T03:00:00Z'): RetentionBackup[] {
  return Array.from({ length: count }, (_, n) => good(new Date(new Date(until).getTime() - n * day)));
}

function decide(backups: RetentionBackup[], rules: Partial<RetentionRules>, timezone = 'UTC', at = now) {
  return decideRetention({ backups, rules: { minimum: 1, ...rules }, now: at, timezone });
}

function keptIds(backups: RetentionBackup[], rules: Partial<RetentionRules>, timezone?: string, at?: Date): string[] {
  return decide(backups, rules, timezone, at)
    .filter(({ keep }) => keep)
    .map(({ id }) => id);
}

describe('one rule', () => {
  test('without rules everything is kept', () => {
    const decisions = decide(nightly(40), {});
    expect(decisions.every(({ keep, reasons }) => keep && reasons[0] === 'no retention rules')).toBe(true);
  });
  test('T-07 last keeps the newest', () => {
    const decisions = decide(nightly(12), { last: 10 });
    expect(decisions.map(({ keep }) => keep)).toEqual([...Array<boolean>(10).fill(true), false, false]);
    expect(decisions[1]?.reasons).toEqual(['last 2 of 10']);
    expect(decisions[11]?.reasons).toEqual(['beyond last 10']);
  });
  test('maxAge keeps what is younger', () => {
    const decisions = decide(nightly(40), { maxAgeMs: 30 * day });
    expect(decisions.filter(({ keep }) => keep)).toHaveLength(30);
    expect(decisions[3]?.reasons).toEqual(['newer than 30d']);
    expect(decisions[39]?.reasons).toEqual(['older than 30d']);
  });
  test('daily keeps the newest of a day', () => {
    const backups = [
      good('2026-11-20T03:00:00Z'),
      good('2026-11-19T20:00:00Z'),
      good('2026-11-19T03:00:00Z'),
      good('2026-11-18T03:00:00Z'),
    ];
    const decisions = decide(backups, { daily: 2 });
    expect(decisions.map(({ keep }) => keep)).toEqual([true, true, false, false]);
    expect(decisions[1]?.reasons).toEqual(['daily 2 of 2']);
    expect(decisions[2]?.reasons).toEqual(['in no daily slot of 2']);
  });
  test('days without a backup are not counted', () => {
    expect(
      keptIds([good('2026-11-20T03:00:00Z'), good('2026-08-01T03:00:00Z'), good('2026-07-01T03:00:00Z')], { daily: 2 }),
    ).toEqual(['2026-11-20_03-00-00', '2026-08-01_03-00-00']);
  });
  test('weeks are ISO weeks, also around the new year', () => {
    // 2027-01-01 is a Friday of week 53 of 2026; 2027-01-04 begins week 1.
    const backups = [
      good('2027-01-04T01:00:00Z'),
      good('2027-01-03T01:00:00Z'),
      good('2027-01-01T01:00:00Z'),
      good('2026-12-28T01:00:00Z'),
      good('2026-12-27T01:00:00Z'),
    ];
    expect(keptIds(backups, { weekly: 5 }, 'UTC', new Date('2027-01-05T00:00:00Z'))).toEqual([
      '2027-01-04_01-00-00',
      '2027-01-03_01-00-00',
      '2026-12-27_01-00-00',
    ]);
  });
  test('monthly and yearly', () => {
    const kept = keptIds(nightly(800), { monthly: 3, yearly: 3 });
    expect(kept).toEqual([
      '2026-11-20_03-00-00',
      '2026-10-31_03-00-00',
      '2026-09-30_03-00-00',
      '2025-12-31_03-00-00',
      '2024-12-31_03-00-00',
    ]);
  });
});

describe('time zones (S20)', () => {
  const backups = [good('2026-11-19T23:30:00Z'), good('2026-11-19T22:30:00Z'), good('2026-11-18T23:30:00Z')];
  test.each([
    ['UTC', ['2026-11-19_23-30-00', '2026-11-18_23-30-00']],
    ['Europe/Berlin', ['2026-11-19_23-30-00', '2026-11-19_22-30-00']],
    ['Pacific/Kiritimati', ['2026-11-19_23-30-00', '2026-11-18_23-30-00']],
  ])('a day is a calendar day in %s', (timezone, expected) => {
    expect(keptIds(backups, { daily: 2 }, timezone)).toEqual(expected);
  });
  test('the day of 25 hours is one day, the day of 23 hours too', () => {
    const long = [good('2026-10-25T22:30:00Z'), good('2026-10-24T22:30:00Z'), good('2026-10-24T21:30:00Z')];
    expect(keptIds(long, { daily: 3 }, 'Europe/Berlin')).toEqual(['2026-10-25_22-30-00', '2026-10-24_21-30-00']);
    const short = [good('2026-03-29T21:30:00Z'), good('2026-03-28T23:30:00Z'), good('2026-03-28T22:30:00Z')];
    expect(keptIds(short, { daily: 3 }, 'Europe/Berlin')).toEqual(['2026-03-29_21-30-00', '2026-03-28_22-30-00']);
  });
});

describe('several rules', () => {
  test('O-07 a backup goes only when no rule keeps it', () => {
    const decisions = decide(nightly(60), { last: 10, maxAgeMs: 30 * day });
    expect(decisions.filter(({ keep }) => keep)).toHaveLength(30);
    expect(decisions.at(-1)?.reasons).toEqual(['beyond last 10', 'older than 30d']);
    expect(keptIds(nightly(60), { last: 40, maxAgeMs: 30 * day })).toHaveLength(40);
  });
  test('every reason to keep is told', () => {
    expect(decide(nightly(3), { last: 3, daily: 7, weekly: 4 })[0]?.reasons).toEqual([
      'last 1 of 3',
      'daily 1 of 7',
      'weekly 1 of 4',
      'newest good backup',
    ]);
  });
});

describe('what no rule can remove', () => {
  const old = nightly(3, '2025-01-03T03:00:00Z');

  test('N-d9 J-d12 the newest good backup stays when backups have stopped long ago', () => {
    expect(decide(old, { maxAgeMs: day })[0]).toEqual({
      id: '2025-01-03_03-00-00',
      keep: true,
      reasons: ['newest good backup'],
    });
    expect(keptIds(old, { maxAgeMs: day, minimum: 0, last: 0 })).toHaveLength(1);
  });
  test('minimum', () => {
    expect(decide(old, { maxAgeMs: day, minimum: 2 })[1]?.reasons).toEqual(['minimum 2 of 2']);
  });
  test('N-d9 damaged backups after it do not push it out, take no slot, and stay', () => {
    const broken = nightly(30).map((backup) => ({ ...backup, ok: false }));
    const decisions = decide([...broken, ...old], { last: 2, daily: 1 });
    expect(
      decisions.slice(0, 30).every(({ keep, reasons }) => keep && reasons[0] === 'damaged, left for you to look at'),
    ).toBe(true);
    expect(decisions.slice(30).map(({ keep }) => keep)).toEqual([true, true, false]);
  });
  test('the newest drilled backup', () => {
    const backups = nightly(5).map((backup, n) => ({ ...backup, drilledOk: n >= 3 }));
    expect(decide(backups, { last: 1 }).map(({ reasons }) => reasons.at(-1))).toEqual([
      'newest good backup',
      'beyond last 1',
      'beyond last 1',
      'newest drilled backup',
      'beyond last 1',
    ]);
  });
  test('the newest that was read back, as long as the newest good one was not', () => {
    const backups = nightly(4).map((backup, n) => ({ ...backup, proven: n >= 2 }));
    expect(decide(backups, { last: 1 }).map(({ reasons }) => reasons.at(-1))).toEqual([
      'newest good backup',
      'beyond last 1',
      'newest backup that was read back',
      'beyond last 1',
    ]);
  });
  test('held', () => {
    const backups = nightly(3).map((backup, n) => ({ ...backup, held: n === 2 }));
    expect(decide(backups, { last: 1 }).map(({ keep }) => keep)).toEqual([true, false, true]);
  });
});

describe('safety backups', () => {
  const safety = good('2026-11-19T10:00:00Z', { safety: true });

  test('stay seven days and are not counted', () => {
    const decisions = decide([...nightly(3), safety], { last: 2, daily: 2 });
    expect(decisions.map(({ keep, reasons }) => [keep, reasons[0]])).toEqual([
      [true, 'last 1 of 2'],
      [true, 'safety backup, newer than 7d'],
      [true, 'last 2 of 2'],
      [false, 'beyond last 2'],
    ]);
  });
  test('then go', () => {
    const decisions = decide([...nightly(3), good('2026-11-01T10:00:00Z', { safety: true })], { last: 2 });
    expect(decisions.at(-1)).toMatchObject({ keep: false, reasons: ['safety backup, older than 7d'] });
  });
  test('are not the newest good backup, except alone', () => {
    const later = good('2026-11-20T04:00:00Z', { safety: true });
    const decided = decide([later, good('2026-10-01T04:00:00Z')], { maxAgeMs: day });
    expect(decided[1]?.reasons).toEqual(['newest good backup']);
    const alone = decide([good('2026-10-01T04:00:00Z', { safety: true })], { maxAgeMs: day });
    expect(alone[0]?.reasons).toEqual(['newest good backup']);
  });
});

test('order comes from the time in the manifest, not from the name', () => {
  const renamed = { ...good('2026-11-20T03:00:00Z'), id: '2020-01-01_00-00-00' };
  expect(keptIds([good('2026-11-19T03:00:00Z'), renamed], { last: 1 })).toEqual(['2020-01-01_00-00-00']);
});

test('S21 of two backups in one second the later one is the newest', () => {
  const at = new Date('2026-11-20T03:00:00Z');
  const twins = [{ ...good(at), id: backupId(at, 2) }, good(at), { ...good(at), id: backupId(at, 10) }];
  expect(keptIds(twins, { daily: 1 })).toEqual(['2026-11-20_03-00-00-10']);
});

test('a backup of some parts takes no place of one that holds more, and gives way to one that does', () => {
  const some = { parts: ['files'] as const };
  const backups = [
    good('2026-11-20T05:00:00Z', some),
    good('2026-11-20T04:00:00Z', some),
    good('2026-11-20T03:00:00Z', some),
    good('2026-11-19T03:00:00Z'),
    good('2026-11-18T05:00:00Z', some),
    good('2026-11-18T03:00:00Z'),
  ];
  const rules = { last: 1, daily: 2, minimum: 2 };
  expect(keptIds(backups, rules)).toEqual([
    '2026-11-20_05-00-00',
    '2026-11-20_04-00-00',
    '2026-11-19_03-00-00',
    '2026-11-18_03-00-00',
  ]);
});

describe('a clock that has jumped, or a long pause', () => {
  const aYearLater = new Date('2027-11-20T12:00:00Z');
  const unattended = (backups: RetentionBackup[], rules: Partial<RetentionRules>, at: Date) =>
    decideRetention({ backups, rules: { minimum: 1, ...rules }, now: at, timezone: 'UTC', attended: false });
  const kept = (decisions: ReturnType<typeof decide>) => decisions.filter(({ keep }) => keep).map(({ id }) => id);

  test('S20 does not make all others old while nobody looks; asked for, it counts as time', () => {
    const before = nightly(30);
    const backups = [good('2027-11-20T12:00:00Z'), ...before];
    expect(kept(decide(backups, { maxAgeMs: 30 * day }, 'UTC', aYearLater))).toEqual(['2027-11-20_12-00-00']);
    const alone = unattended(backups, { maxAgeMs: 30 * day }, aYearLater);
    expect(kept(alone).length).toBe(30);
    expect(alone[1]?.reasons).toEqual(['newer than 30d, but for a pause of 365d in which no backup was made']);
    // By the same clock before it jumped.
    expect(kept(alone).slice(1)).toEqual(before.slice(0, 29).map(({ id }) => id));
  });

  test('S20 a safety backup is kept for its week by the same reckoning', () => {
    const safety = good('2026-11-20T11:00:00Z', { safety: true });
    const backups = [good('2027-11-20T12:00:00Z'), safety, ...nightly(10)];
    expect(kept(unattended(backups, { last: 1 }, aYearLater))).toContain(safety.id);
  });

  test('backups that go on by that clock let the others go day by day', () => {
    const later = new Date('2027-12-10T12:00:00Z');
    const backups = [...nightly(20, '2027-12-10T03:00:00Z'), ...nightly(30)];
    expect(kept(unattended(backups, { maxAgeMs: 30 * day }, later)).length).toBe(30);
  });

  test.each<[string, RetentionBackup[], Date, number]>([
    ['a pause of two months', [good('2027-01-15T03:00:00Z'), ...nightly(30)], new Date('2027-01-15T12:00:00Z'), 1],
    [
      'backups that are made once in a quarter',
      ['2027-11-20', '2026-11-20', '2026-08-20', '2026-05-20', '2026-02-20'].map((at) => good(`${at}T12:00:00Z`)),
      aYearLater,
      1,
    ],
    [
      'backups that calendar rules have thinned out',
      ['2026-11-20', '2026-11-19', '2026-11-12', '2026-10-31', '2026-08-31', '2025-12-31'].map((at) =>
        good(`${at}T03:00:00Z`),
      ),
      now,
      4,
    ],
  ])('no such thing is %s', (_what, backups, at, expected) => {
    expect(kept(unattended(backups, { maxAgeMs: 30 * day }, at)).length).toBe(expected);
  });

  test('nobody there, never less is kept', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.date({ min: new Date('2025-01-01'), max: new Date('2027-06-01'), noInvalidDate: true }), {
          maxLength: 40,
          selector: (at) => backupId(at),
        }),
        fc.integer({ min: 1, max: 400 }),
        fc.date({ min: new Date('2027-06-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
        (times, days, at) => {
          const backups = times.map((each) => good(each));
          const rules = { maxAgeMs: days * day };
          const alone = new Set(kept(unattended(backups, rules, at)));
          expect(kept(decide(backups, rules, 'UTC', at)).filter((id) => !alone.has(id))).toEqual([]);
        },
      ),
    );
  });
});

describe('properties', () => {
  const count = fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined });
  const rules: fc.Arbitrary<RetentionRules> = fc.record({
    last: count,
    maxAgeMs: fc.option(
      fc.integer({ min: 1, max: 400 }).map((days) => days * day),
      { nil: undefined },
    ),
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    minimum: fc.integer({ min: 0, max: 4 }),
  });
  const chance = (percent: number) => fc.integer({ min: 0, max: 99 }).map((roll) => roll < percent);
  const backups = fc
    .uniqueArray(
      fc.record({
        at: fc.date({ min: new Date('2025-06-01'), max: new Date('2026-12-15'), noInvalidDate: true }),
        ok: chance(85),
        held: chance(5),
        drilledOk: chance(20),
        proven: chance(70),
        safety: chance(10),
        parts: fc.constantFrom<readonly Part[]>(whole, whole, ['files'], ['database'], ['database', 'files']),
      }),
      { maxLength: 60, selector: ({ at }) => backupId(at) },
    )
    .map((all): RetentionBackup[] => all.map((each) => ({ ...each, id: backupId(each.at) })));
  const timezone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia');
  const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });
  const situation = fc.record({ backups, rules, now: instant, timezone });
  const keptOf = (question: Parameters<typeof decideRetention>[0]) =>
    new Set(decideRetention(question).flatMap(({ id, keep }) => (keep ? [id] : [])));
  const newest = (all: RetentionBackup[]) => all.toSorted((a, b) => b.at.getTime() - a.at.getTime())[0];

  test('S20 whatever the clock says: the newest good, the newest drilled, held and minimum stay', () => {
    fc.assert(
      fc.property(situation, (question) => {
        const kept = keptOf(question);
        const sound = question.backups.filter(({ ok }) => ok);
        const newestGood = newest(sound.filter(({ safety }) => !safety)) ?? newest(sound);
        const newestDrilled = newest(sound.filter(({ drilledOk }) => drilledOk));
        const proven = sound.filter((each) => each.proven);
        const newestProven = newest(proven.filter(({ safety }) => !safety)) ?? newest(proven);
        for (const each of [newestGood, newestDrilled, newestProven]) if (each) expect(kept).toContain(each.id);
        for (const { id, held, ok } of question.backups) if (held || !ok) expect(kept).toContain(id);
        const soundKept = sound.filter(({ id }) => kept.has(id)).length;
        expect(soundKept).toBeGreaterThanOrEqual(Math.min(sound.length, Math.max(1, question.rules.minimum)));
        for (const { id, safety, at } of sound) {
          if (safety && question.now.getTime() - at.getTime() < safetyAgeMs) expect(kept).toContain(id);
        }
      }),
    );
  });

  test('whatever goes, one that holds all it held stays', () => {
    fc.assert(
      fc.property(situation, (question) => {
        const kept = keptOf(question);
        const stays = question.backups.filter(({ id, ok }) => ok && kept.has(id));
        for (const gone of question.backups.filter(({ id }) => !kept.has(id))) {
          expect(stays.some(({ parts }) => covers(parts, gone.parts))).toBe(true);
        }
      }),
    );
  });

  test('those because of which one goes are good, hold all it held, and stay', () => {
    fc.assert(
      fc.property(situation, (question) => {
        const kept = keptOf(question);
        const instead = standIns(question.backups);
        for (const gone of question.backups.filter(({ id }) => !kept.has(id))) {
          const others = question.backups.filter(({ id }) => instead.get(gone.id)?.includes(id));
          expect(others.length).toBeGreaterThan(0);
          for (const { id, ok, parts } of others)
            expect([kept.has(id), ok, covers(parts, gone.parts)]).not.toContain(false);
          for (const rank of ['proven', 'drilledOk'] as const)
            if (gone[rank]) expect(others.some((other) => other[rank])).toBe(true);
        }
      }),
    );
  });

  test('idempotent: what is left after pruning is all kept', () => {
    fc.assert(
      fc.property(situation, (question) => {
        const kept = keptOf(question);
        const left = question.backups.filter(({ id }) => kept.has(id));
        expect(keptOf({ ...question, backups: left })).toEqual(kept);
      }),
    );
  });

  test('the order backups are given in does not matter, and each is decided once with a reason', () => {
    fc.assert(
      fc.property(situation, fc.infiniteStream(fc.nat()), (question, shuffle) => {
        const keys = new Map(question.backups.map(({ id }) => [id, shuffle.next().value as number]));
        const mixed = question.backups.toSorted((a, b) => (keys.get(a.id) ?? 0) - (keys.get(b.id) ?? 0));
        const decisions = decideRetention(question);
        expect(decideRetention({ ...question, backups: mixed })).toEqual(decisions);
        expect(decisions.map(({ id }) => id).toSorted()).toEqual(question.backups.map(({ id }) => id).toSorted());
        expect(decisions.every(({ reasons }) => reasons.length > 0)).toBe(true);
      }),
    );
  });

  test('monotone: a more generous rule never removes what a stricter one keeps; time alone never brings one back', () => {
    const generosity = fc.constantFrom('last', 'daily', 'weekly', 'monthly', 'yearly', 'minimum', 'maxAgeMs' as const);
    fc.assert(
      fc.property(
        situation,
        generosity,
        fc.integer({ min: 1, max: 5 }),
        fc.nat(900 * day),
        (question, rule, more, later) => {
          const kept = keptOf(question);
          const present = question.rules[rule] ?? (hasAny(question.rules) ? 0 : undefined);
          if (present !== undefined) {
            const step = rule === 'maxAgeMs' ? more * day : more;
            const generous = keptOf({ ...question, rules: { ...question.rules, [rule]: present + step } });
            expect([...kept].filter((id) => !generous.has(id))).toEqual([]);
          }
          const afterwards = keptOf({ ...question, now: new Date(question.now.getTime() + later) });
          expect([...afterwards].filter((id) => !kept.has(id))).toEqual([]);
        },
      ),
    );
  });
});

function hasAny(rules: RetentionRules): boolean {
  return Object.entries(rules).some(([rule, value]) => rule !== 'minimum' && value !== undefined);
}
