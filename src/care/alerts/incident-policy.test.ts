import { describe, expect, it } from 'vitest';
import type { IncidentRecord } from '../../catalog/catalog.ts';
import {
  changesAt,
  decide,
  holdOn,
  markTold,
  mayWait,
  note,
  noteGood,
  type Problem,
  type Texts,
} from './incident-policy.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = new Date('2026-11-21T02:00:00.000Z');
const at = (ms: number) => new Date(start.getTime() + ms);
const rules = { remindAfterMs: day };

/** What happens at a time: it is seen to be bad, with what changes, or good, or only time has passed. */
type Event = [ms: number, what: Partial<Problem> | 'good' | 'nothing'];

describe('what is said when', () => {
  const cases: { name: string; events: Event[]; said: [ms: number, news: string][] }[] = [
    {
      name: 'a problem once, however often it is seen',
      events: [
        [0, {}],
        [hour, {}],
        [2 * hour, {}],
        [3 * hour, {}],
      ],
      said: [[0, 'problem']],
    },
    {
      name: 'a reminder after a day, then after two more, four more, and every seven',
      events: Array.from({ length: 31 }, (_none, index): Event => [index * day, {}]),
      said: [
        [0, 'problem'],
        [day, 'reminder'],
        [3 * day, 'reminder'],
        [7 * day, 'reminder'],
        [14 * day, 'reminder'],
        [21 * day, 'reminder'],
        [28 * day, 'reminder'],
      ],
    },
    {
      name: 'reminders by the clock alone, although nothing was seen again',
      events: [
        [0, {}],
        [day - 1, 'nothing'],
        [day, 'nothing'],
        [2 * day, 'nothing'],
      ],
      said: [
        [0, 'problem'],
        [day, 'reminder'],
      ],
    },
    {
      name: 'an all-clear at the first good run',
      events: [
        [0, {}],
        [hour, 'good'],
        [2 * hour, 'good'],
      ],
      said: [
        [0, 'problem'],
        [hour, 'resolved'],
      ],
    },
    {
      name: 'no all-clear for what nobody was told of',
      events: [
        [0, { holdMs: hour }],
        [minute, 'good'],
        [2 * hour, 'nothing'],
      ],
      said: [],
    },
    {
      name: 'nothing while a retry is to come, and the problem when none is left',
      events: [
        [0, { holdMs: 20 * minute }],
        [5 * minute, { holdMs: 30 * minute }],
        [10 * minute, {}],
      ],
      said: [[10 * minute, 'problem']],
    },
    {
      name: 'the problem when the retry does not come',
      events: [
        [0, { holdMs: 20 * minute }],
        [20 * minute - 1, 'nothing'],
        [20 * minute, 'nothing'],
      ],
      said: [[20 * minute, 'problem']],
    },
    {
      name: 'six hours after the first failure whatever retries are still to come',
      events: Array.from({ length: 80 }, (_none, index): Event => [index * 5 * minute, { holdMs: 30 * minute }]),
      said: [[6 * hour, 'problem']],
    },
    {
      name: 'again when it gets worse, but not when it gets better, nor worse a second time',
      events: [
        [0, { severity: 'warning' }],
        [hour, { severity: 'critical' }],
        [2 * hour, { severity: 'warning' }],
        [3 * hour, { severity: 'critical' }],
      ],
      said: [
        [0, 'problem'],
        [hour, 'worse'],
      ],
    },
    {
      name: 'again for another cause, once for each',
      events: [
        [0, { cause: 'DISK_FULL' }],
        [1 * hour, { cause: 'SERVER_UNREACHABLE' }],
        [2 * hour, { cause: 'DISK_FULL' }],
        [3 * hour, { cause: 'SERVER_UNREACHABLE' }],
      ],
      said: [
        [0, 'problem'],
        [hour, 'worse'],
      ],
    },
    {
      name: 'no storm when it comes and goes: the second time it must stay good for an hour',
      events: [
        [0, {}],
        [5 * minute, 'good'],
        [10 * minute, {}],
        ...Array.from({ length: 20 }, (_none, index): Event => [(15 + index * 5) * minute, index % 2 ? {} : 'good']),
        [115 * minute, 'good'],
        [174 * minute, 'nothing'],
        [175 * minute, 'nothing'],
      ],
      said: [
        [0, 'problem'],
        [5 * minute, 'resolved'],
        [10 * minute, 'problem'],
        [175 * minute, 'resolved'],
      ],
    },
    {
      name: 'a finding is over after ten good minutes, not at the first glance',
      events: [
        [0, { seenBy: 'check' }],
        [minute, 'good'],
        [2 * minute, { seenBy: 'check' }],
        [3 * minute, 'good'],
        [12 * minute, 'good'],
        [13 * minute, 'nothing'],
      ],
      said: [
        [0, 'problem'],
        [13 * minute, 'resolved'],
      ],
    },
    {
      name: 'what has happened is told once and forgotten after a day',
      events: [
        [0, { lasting: false }],
        [hour, { lasting: false }],
        [2 * day, 'nothing'],
        [2 * day + 1, { lasting: false }],
      ],
      said: [
        [0, 'problem'],
        [2 * day + 1, 'problem'],
      ],
    },
    {
      name: 'what was told by a clock that was ahead is recalled once that is right, and as ever from then on',
      events: [
        [365 * day, {}],
        [0, {}],
        [hour, {}],
        [2 * day, {}],
      ],
      said: [
        [365 * day, 'problem'],
        [0, 'reminder'],
        [2 * day, 'reminder'],
      ],
    },
    {
      name: 'what was held back by a clock that was ahead is told once that is right',
      events: [
        [365 * day, { holdMs: hour }],
        [0, 'nothing'],
      ],
      said: [[0, 'problem']],
    },
    {
      name: 'what was good by a clock that was ahead is over once that is right, and the next time is news',
      events: [
        [365 * day, { seenBy: 'check' }],
        [365 * day + minute, 'good'],
        [0, 'nothing'],
        [hour, { seenBy: 'check' }],
        [2 * hour, 'good'],
        [3 * hour, 'nothing'],
      ],
      said: [
        [365 * day, 'problem'],
        [0, 'resolved'],
        [hour, 'problem'],
        [3 * hour, 'resolved'],
      ],
    },
    {
      name: 'what happened by a clock that was ahead is forgotten once that is right',
      events: [
        [365 * day, { lasting: false }],
        [0, 'nothing'],
        [hour, { lasting: false }],
      ],
      said: [
        [365 * day, 'problem'],
        [hour, 'problem'],
      ],
    },
    {
      name: 'a clock that is corrected by seconds recalls nothing',
      events: [
        [5000, {}],
        [0, {}],
        [day, {}],
        [day + 5000, {}],
      ],
      said: [
        [5000, 'problem'],
        [day + 5000, 'reminder'],
      ],
    },
  ];
  it.each(cases)('$name', ({ events, said }) => expect(play(events)).toEqual(said));
});

describe('when to look again', () => {
  it('after the hold, at the reminder, at the end of the calm', () => {
    const held = note(problem({ holdMs: 20 * minute }), { open: null, last: null, now: start });
    expect(changesAt(held, start, rules)).toEqual(at(20 * minute));
    const told = markTold(held, 'problem', at(20 * minute));
    expect(changesAt(told, at(20 * minute), rules)).toEqual(at(20 * minute + day));
    expect(changesAt(told, at(20 * minute), { remindAfterMs: null })).toBeNull();
    const seen = note(problem({ seenBy: 'check' }), { open: told, last: null, now: at(hour) });
    expect(changesAt(noteGood(seen, texts('good'), at(2 * hour)), at(2 * hour), rules)).toEqual(
      at(2 * hour + 10 * minute),
    );
  });
});

describe('a retry that is at work', () => {
  it('is waited for, but not for ever', () => {
    const held = note(problem({ holdMs: 20 * minute }), { open: null, last: null, now: start });
    expect(mayWait(held, at(20 * minute))).toBe(true);
    const longer = holdOn(held, at(20 * minute));
    expect(decide(longer, at(29 * minute), rules).say).toBeNull();
    expect(decide(longer, at(30 * minute), rules).say).toBe('problem');
    expect(mayWait(longer, at(6 * hour))).toBe(false);
  });
});

/** As the alerts do it, with a memory instead of a catalog. */
function play(events: readonly Event[]): [number, string][] {
  let open: IncidentRecord | null = null;
  let last: IncidentRecord | null = null;
  const said: [number, string][] = [];
  for (const [ms, what] of events) {
    const now = at(ms);
    if (what === 'good' && open) open = noteGood(open, texts('good'), now);
    else if (typeof what === 'object') open = note(problem(what), { open, last, now });
    if (!open) continue;
    const decided = decide(open, now, rules);
    if (decided.say !== null) said.push([ms, decided.say]);
    if (decided.incident.resolvedAt !== null) {
      last = decided.incident;
      open = null;
    } else if (decided.say !== null) open = markTold(open, decided.say, now);
  }
  return said;
}

function problem(change: Partial<Problem>): Problem {
  return {
    key: 'backup-failed/shop',
    severity: 'critical',
    source: 'shop',
    cause: 'DISK_FULL',
    seenBy: 'run',
    holdMs: 0,
    lasting: true,
    texts: texts('backup of shop failed'),
    ...change,
  };
}

function texts(title: string): Texts {
  return { title, what: `${title}.`, meaning: null, todo: [], facts: [], errors: [], run: null };
}
