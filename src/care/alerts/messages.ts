import { randomUUID } from 'node:crypto';
import { withoutSecrets } from '../../base/secret.ts';
import { formatCount, formatDuration } from '../../base/units.ts';
import type { IncidentRecord } from '../../catalog/catalog.ts';
import type { AlertLevel, Channel, Message, Severity } from '../../notify/channel.ts';
import { findingKey, type Finding } from './finding.ts';
import { textsOf, toldSeverity, type News, type Problem, type Texts } from './incident-policy.ts';
import { moment } from './run-texts.ts';

/** Something to say, before it is decided whom it goes to. */
export interface Item {
  kind: Message['kind'];
  severity: Severity;
  /** By this it passes the level of a channel: an all-clear goes to whom the problem went. */
  weight: Severity;
  source: string | null;
  texts: Texts;
}

export interface Letterhead {
  instance: string;
  timezone: string;
  link: string | null;
}

/** More than this at once is one message that lists them. */
export const mostAtOnce = 3;
const mostListed = 50;
const longestTitle = 80;

export function wants(
  channel: Pick<Channel, 'level' | 'sources' | 'send'>,
  item: Pick<Item, 'weight' | 'source'>,
  level: AlertLevel,
): boolean {
  if (channel.send === undefined) return false;
  if (channel.sources !== null && (item.source === null || !channel.sources.includes(item.source))) return false;
  switch (channel.level ?? level) {
    case 'errors':
      return item.weight === 'critical';
    case 'warnings':
      return item.weight !== 'info';
    case 'all':
      return true;
  }
}

export function weightOf(incident: IncidentRecord, news: News): Severity {
  return news === 'resolved' ? toldSeverity(incident) : incident.severity;
}

export function itemOf(incident: IncidentRecord, news: News, now: Date, { timezone }: Letterhead): Item {
  const { problem, good } = textsOf(incident);
  const { severity, source, openedAt, times } = incident;
  const lasted = formatDuration(Math.max(0, now.getTime() - new Date(openedAt).getTime()));
  switch (news) {
    case 'problem':
      return { kind: 'problem', severity, weight: severity, source, texts: problem };
    case 'worse': {
      const what = `${problem.what} It is not the same as what was told before, and began at ${moment(openedAt, { timezone })}.`;
      return { kind: 'problem', severity, weight: severity, source, texts: { ...problem, what } };
    }
    case 'reminder': {
      const since = `This has been so for ${lasted}, since ${moment(openedAt, { timezone })}, and was seen ${formatCount(times, 'time')}.`;
      const texts = { ...problem, title: `still: ${problem.title}`, what: `${problem.what} ${since}` };
      return { kind: 'reminder', severity, weight: severity, source, texts };
    }
    case 'resolved': {
      const texts = good ?? { ...problem, title: `over: ${problem.title}`, meaning: null, todo: [], errors: [] };
      const what = `${texts.what} Before, for ${lasted}: ${problem.title}.`;
      return {
        kind: 'resolved',
        severity: 'info',
        weight: weightOf(incident, news),
        source,
        texts: { ...texts, what },
      };
    }
  }
}

/** The messages for one channel: each thing on its own, or where it is much, one that lists them all. */
export function messagesOf(items: readonly Item[], at: Date, head: Letterhead): Message[] {
  if (items.length <= mostAtOnce) return items.map((item) => messageOf(item, at, head));
  return [messageOf(digestOf(items, head), at, head)];
}

export function messageOf({ kind, severity, source, texts }: Item, at: Date, { instance, link }: Letterhead): Message {
  const message = {
    id: randomUUID(),
    at: at.toISOString(),
    instance,
    kind,
    severity,
    source,
    ...texts,
    link,
    page: null,
  };
  return cleaned(message);
}

/** What people are told passes here: nothing that is secret in this process leaves it in a message, nor stays in the catalog. */
export function cleaned<T extends Message | Texts>(message: T): T {
  return clean(message) as T;
}

export function problemOfFinding(finding: Finding): Problem {
  const { code, severity, source, storage, value, threshold, message, meaning, hint } = finding;
  const facts = [
    ['Finding', code],
    ['Source', source],
    ['Storage', storage],
    ['Found', value],
    ['Should be', threshold],
  ].flatMap(([name, said]) =>
    said === null || said === undefined ? [] : [{ name: String(name), value: String(said) }],
  );
  return {
    key: findingKey(finding),
    severity,
    source,
    cause: code,
    seenBy: 'check',
    holdMs: 0,
    lasting: true,
    texts: {
      title: shortened(message),
      what: `A check found: ${message}.`,
      meaning,
      todo: [hint],
      facts,
      errors: [],
      run: null,
    },
  };
}

/** Its reason, behind a colon, stands in the text. */
function shortened(message: string): string {
  return message.length <= longestTitle ? message : (message.split(': ')[0] ?? message);
}

export function findingGone({ title }: IncidentRecord): Texts {
  const what = 'The check does not find it any more.';
  return { title: `over: ${title}`, what, meaning: null, todo: [], facts: [], errors: [], run: null };
}

function digestOf(items: readonly Item[], { instance }: Letterhead): Item {
  const kinds = ['problem', 'reminder', 'resolved', 'success'] as const;
  const kind = kinds.find((each) => items.some((item) => item.kind === each)) ?? 'problem';
  const counts = kinds.flatMap((each) => {
    const count = items.filter((item) => item.kind === each).length;
    return count === 0 ? [] : [`${formatCount(count)} ${count === 1 ? nouns[each][0] : nouns[each][1]}`];
  });
  const severities = ['critical', 'warning', 'info'] as const;
  const severity = severities.find((each) => items.some((item) => item.severity === each)) ?? 'info';
  const bad = items.filter((item) => item.kind === 'problem' || item.kind === 'reminder');
  const listed = items.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
  const more = listed.length - mostListed;
  return {
    kind,
    severity,
    weight: severity,
    source: null,
    texts: {
      title: `${counts.join(', ')} on ${instance}`,
      what:
        bad.length > 1
          ? `${formatCount(bad.length)} things went wrong at about the same time. They may have one cause, such as a server, a network or a disk.`
          : 'Several things are told together.',
      meaning: null,
      todo:
        bad.length > 0
          ? [
              'Look for what they have in common.',
              ...firstSteps(bad),
              'See what is open, and since when: holdfast alerts',
            ]
          : [],
      facts: [
        ...listed.slice(0, mostListed).map((item) => ({ name: markOf(item), value: item.texts.title })),
        ...(more > 0 ? [{ name: 'and', value: `${formatCount(more)} more` }] : []),
      ],
      errors: [...new Set(bad.flatMap(({ texts }) => texts.errors))].slice(0, 10),
      run: null,
    },
  };
}

const nouns = {
  problem: ['problem', 'problems'],
  reminder: ['reminder', 'reminders'],
  resolved: ['all-clear', 'all-clears'],
  success: ['success', 'successes'],
} as const;

function markOf({ kind, severity }: Item): string {
  if (kind === 'problem') return severity;
  if (kind === 'reminder') return `still ${severity}`;
  return kind === 'resolved' ? 'over' : 'good';
}

/** What most of them ask for comes first. */
function firstSteps(items: readonly Item[]): string[] {
  const votes = new Map<string, number>();
  for (const { texts } of items) for (const step of new Set(texts.todo)) votes.set(step, (votes.get(step) ?? 0) + 1);
  return [...votes]
    .filter(([, count]) => count > 1)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([step]) => step);
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clean(inner)]));
}
