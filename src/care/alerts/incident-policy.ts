import { dueAt, isFromFuture } from '../../base/clock.ts';
import type { IncidentRecord } from '../../catalog/catalog.ts';
import type { Message } from '../../notify/channel.ts';

/** What a message says, without whom it goes to and when. */
export type Texts = Pick<Message, 'title' | 'what' | 'meaning' | 'todo' | 'facts' | 'errors' | 'run'>;

/** Something that is the matter, as seen at one moment. */
export interface Problem {
  /** Tells it from all others: `backup-failed/shop`. */
  readonly key: string;
  readonly severity: 'critical' | 'warning';
  readonly source: string | null;
  /** The code of an error or finding. The same problem for another cause is news. */
  readonly cause: string;
  /** A check reports all there is, so what it does not report is over; a run only knows of itself. */
  readonly seenBy: 'run' | 'check';
  /** It may mend itself soon (a retry is coming): not told before so long has passed. */
  readonly holdMs: number;
  /** False: it has happened, rather than being the matter from now on. Told once, never reminded of. */
  readonly lasting: boolean;
  readonly texts: Texts;
}

/** What there is to say about an incident now. `worse`: more severe than told, or for another cause. */
export type News = 'problem' | 'worse' | 'reminder' | 'resolved';

export interface Rules {
  /** Null: no reminders. */
  readonly remindAfterMs: number | null;
}

/** Kept with the incident, as its `detail`. */
interface Memory {
  seenBy: Problem['seenBy'];
  lasting: boolean;
  cause: string;
  /** As last seen. */
  texts: Texts;
  holdUntil: string | null;
  told: { severity: 'critical' | 'warning'; causes: string[] } | null;
  reminders: number;
  /** It was good from then on, but that may not last. */
  goodSince: string | null;
  goodTexts: Texts | null;
  /** How often it came back within a day of having been over. */
  relapses: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What a check sees is a moment; what is good again must stay good for this long. */
const calmAfterCheckMs = 10 * minute;
/** What comes and goes is over only after an hour of being good, then after two, at most after a day. */
const calmAfterRelapseMs = hour;
/** However many retries may follow, so long nobody is left in the dark. */
const longestHoldMs = 6 * hour;
/** Reminders come after 1, 2, 4 and then every 7 times the configured time. */
const sparsestReminder = 7;
/** More causes than this are one after the other for ever: no news any more. */
const mostCauses = 8;

/** Opens an incident, or notes that it was seen once more. `last` is the last one with this key that is over. */
export function note(
  problem: Problem,
  { open, last, now }: { open: IncidentRecord | null; last: IncidentRecord | null; now: Date },
): IncidentRecord {
  const at = now.toISOString();
  const { key, severity, source, texts, seenBy, lasting, cause, holdMs } = problem;
  const known = open && memoryOf(open);
  const openedAt = open?.openedAt ?? at;
  const memory: Memory = {
    seenBy,
    lasting,
    cause,
    texts,
    holdUntil: hold(holdMs, { now, openedAt }),
    told: known?.told ?? null,
    reminders: known?.reminders ?? 0,
    goodSince: null,
    goodTexts: null,
    relapses: known?.relapses ?? relapsesAfter(last, now),
  };
  const times = (open?.times ?? 0) + 1;
  const { toldAt = null } = open ?? {};
  const { title } = texts;
  return { key, severity, source, title, openedAt, lastSeenAt: at, times, toldAt, resolvedAt: null, detail: memory };
}

/** It was looked at and is good; whether that ends the incident, `decide` says. */
export function noteGood(incident: IncidentRecord, texts: Texts, now: Date): IncidentRecord {
  const memory = memoryOf(incident);
  const known = memory.goodSince !== null && !isFromFuture(memory.goodSince, now) ? memory.goodSince : null;
  const goodSince = known ?? now.toISOString();
  return { ...incident, detail: { ...memory, goodSince, goodTexts: texts } satisfies Memory };
}

/** Whether it is over, and what there is to say. */
export function decide(
  incident: IncidentRecord,
  now: Date,
  rules: Rules,
): { incident: IncidentRecord; say: News | null } {
  const memory = memoryOf(incident);
  const over = overAt(incident, memory, now);
  if (over !== null && now >= over) {
    const say = memory.told !== null && memory.goodSince !== null ? 'resolved' : null;
    return { incident: { ...incident, resolvedAt: now.toISOString() }, say };
  }
  return { incident, say: newsOf(incident, memory, { now, rules }) };
}

function newsOf(incident: IncidentRecord, memory: Memory, { now, rules }: { now: Date; rules: Rules }): News | null {
  const { told, goodSince, holdUntil } = memory;
  if (goodSince !== null) return null;
  if (told === null) return holdUntil === null || now >= heldUntil(holdUntil, now) ? 'problem' : null;
  const causeIsNew = !told.causes.includes(memory.cause) && told.causes.length < mostCauses;
  const isWorse = told.severity === 'warning' && incident.severity === 'critical';
  if ((causeIsNew && memory.seenBy === 'run') || isWorse) return 'worse';
  const reminder = reminderAt(incident, memory, { now, rules });
  return reminder !== null && now >= reminder ? 'reminder' : null;
}

/** After its news was queued for at least one channel. */
export function markTold(incident: IncidentRecord, news: News, now: Date): IncidentRecord {
  const memory = memoryOf(incident);
  const { told } = memory;
  const severity = told?.severity === 'critical' ? 'critical' : incident.severity;
  const causes = [...new Set([...(told?.causes ?? []), memory.cause])];
  const reminders = news === 'reminder' ? memory.reminders + 1 : news === 'worse' ? 0 : memory.reminders;
  return {
    ...incident,
    toldAt: now.toISOString(),
    detail: { ...memory, told: { severity, causes }, reminders, holdUntil: null } satisfies Memory,
  };
}

/** A retry is on its way at this very moment: it is waited for, but not for ever. */
export function holdOn(incident: IncidentRecord, now: Date): IncidentRecord {
  const memory = memoryOf(incident);
  if (memory.told !== null || memory.holdUntil === null) return incident;
  const holdUntil = hold(10 * minute, { now, openedAt: incident.openedAt });
  return { ...incident, detail: { ...memory, holdUntil } satisfies Memory };
}

/** When `decide` will answer something else although nothing happened until then. */
export function changesAt(incident: IncidentRecord, now: Date, rules: Rules): Date | null {
  const memory = memoryOf(incident);
  const over = overAt(incident, memory, now);
  if (memory.goodSince !== null) return over;
  const held = memory.holdUntil === null ? null : heldUntil(memory.holdUntil, now);
  const next = memory.told === null ? held : reminderAt(incident, memory, { now, rules });
  const times = [over, next].filter((at) => at !== null);
  return times.length === 0 ? null : new Date(Math.min(...times.map((at) => at.getTime())));
}

/** What was said of it last, and what is to be said when it is over. */
export function textsOf(incident: IncidentRecord): { problem: Texts; good: Texts | null } {
  const { texts, goodTexts } = memoryOf(incident);
  return { problem: texts, good: goodTexts };
}

/** The severity by which an all-clear goes to whom the problem went. */
export function toldSeverity(incident: IncidentRecord): 'critical' | 'warning' {
  return memoryOf(incident).told?.severity ?? incident.severity;
}

export function causeOf(incident: IncidentRecord): string {
  return memoryOf(incident).cause;
}

export function wasSeenBy(incident: IncidentRecord): Problem['seenBy'] {
  return memoryOf(incident).seenBy;
}

/** It waited for a retry, and that retry may still be waited for. */
export function mayWait(incident: IncidentRecord, now: Date): boolean {
  const { told, holdUntil } = memoryOf(incident);
  return told === null && holdUntil !== null && now < after(incident.openedAt, longestHoldMs, now);
}

/** Good again, as far as anybody knows. */
export function isCalm(incident: IncidentRecord): boolean {
  return calmSince(incident) !== null;
}

export function calmSince(incident: IncidentRecord): string | null {
  return memoryOf(incident).goodSince;
}

function overAt(incident: IncidentRecord, memory: Memory, now: Date): Date | null {
  if (memory.goodSince !== null) return after(memory.goodSince, calmMs(memory), now);
  return memory.lasting ? null : after(incident.lastSeenAt, day, now);
}

function calmMs({ seenBy, relapses }: Memory): number {
  if (relapses > 0) return Math.min(calmAfterRelapseMs * 2 ** (relapses - 1), day);
  return seenBy === 'check' ? calmAfterCheckMs : 0;
}

function reminderAt(
  { toldAt }: IncidentRecord,
  { lasting, reminders }: Memory,
  { now, rules }: { now: Date; rules: Rules },
): Date | null {
  if (!lasting || toldAt === null || rules.remindAfterMs === null) return null;
  return after(toldAt, rules.remindAfterMs * Math.min(2 ** reminders, sparsestReminder), now);
}

function relapsesAfter(last: IncidentRecord | null, now: Date): number {
  if (last === null || last.resolvedAt === null || now >= after(last.resolvedAt, day, now)) return 0;
  const memory = memoryOf(last);
  return memory.told === null ? memory.relapses : memory.relapses + 1;
}

function hold(ms: number, { now, openedAt }: { now: Date; openedAt: string }): string | null {
  if (ms === 0) return null;
  const latest = after(openedAt, longestHoldMs, now).getTime();
  return new Date(Math.min(now.getTime() + ms, latest)).toISOString();
}

function heldUntil(until: string, now: Date): Date {
  return dueAt(until, longestHoldMs, now);
}

/** So long after a time that was noted down; at once when that is still to come. */
function after(at: string, ms: number, now: Date): Date {
  return dueAt(new Date(new Date(at).getTime() + ms), ms, now);
}

function memoryOf({ detail }: IncidentRecord): Memory {
  return detail as Memory;
}
