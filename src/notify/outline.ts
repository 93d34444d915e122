import { withoutSecrets } from '../base/secret.ts';
import type { Message } from './channel.ts';

/** How a message looks: what colour, sign and word it gets. */
export type Tone = 'bad' | 'warning' | 'good' | 'plain';

/** What every form of a message is made of: clean, in order, and no longer than asked for. */
export interface Outline {
  readonly tone: Tone;
  /** `CRITICAL`, `STILL CRITICAL`, `RESOLVED`, ... */
  readonly word: string;
  readonly title: string;
  readonly what: string;
  readonly meaning: string | null;
  readonly todo: readonly string[];
  /** Instance, source and time first. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly errors: readonly string[];
  /** How many errors were left out. */
  readonly moreErrors: number;
  readonly link: string | null;
  /** The text of the page that goes with it. */
  readonly page: string | null;
}

/** How much of a message a form may show. */
export interface Room {
  readonly text: number;
  readonly steps: number;
  readonly step: number;
  readonly facts: number;
  readonly value: number;
  readonly errors: number;
  readonly error: number;
  readonly page: number;
}

const plenty: Room = {
  text: 4000,
  steps: 20,
  step: 1000,
  facts: 40,
  value: 500,
  errors: 20,
  error: 2000,
  page: 200_000,
};

const rooms: readonly Room[] = [
  plenty,
  { text: 1500, steps: 10, step: 400, facts: 20, value: 200, errors: 8, error: 500, page: 6000 },
  { text: 600, steps: 5, step: 250, facts: 12, value: 100, errors: 3, error: 250, page: 2000 },
];
const least: Room = { text: 200, steps: 3, step: 100, facts: 6, value: 60, errors: 1, error: 100, page: 600 };

export function outlineOf(message: Message, room: Room = plenty): Outline {
  const facts = factsOf(message)
    .map(({ name, value }) => ({ name: clip(oneLine(name), 60), value: clip(oneLine(value), room.value) }))
    .filter(({ name, value }) => name !== '' && value !== '');
  return {
    tone: toneOf(message),
    word: wordOf(message),
    title: titleOf(message),
    what: clip(clean(message.what), room.text),
    meaning: message.meaning === null ? null : clip(clean(message.meaning), room.text),
    todo: message.todo.slice(0, room.steps).map((step) => clip(clean(step), room.step)),
    facts: facts.slice(0, room.facts),
    errors: message.errors.slice(0, room.errors).map((error) => clip(clean(error), room.error)),
    moreErrors: Math.max(0, message.errors.length - room.errors),
    link: message.link !== null && /^https?:\/\/\S+$/i.test(message.link) ? message.link : null,
    page: message.page === null ? null : clip(clean(message.page.text), room.page),
  };
}

/** The longest form that a service takes: less and less of the message, until it fits. */
export function fitted<T>(message: Message, render: (outline: Outline) => T, fits: (form: T) => boolean): T {
  for (const room of rooms) {
    const form = render(outlineOf(message, room));
    if (fits(form)) return form;
  }
  return render(outlineOf(message, least));
}

export function titleOf({ title }: Message): string {
  return clip(oneLine(title), 150) || 'message';
}

export function toneOf({ kind, severity }: Message): Tone {
  if (kind === 'resolved') return 'good';
  if (kind === 'test') return 'plain';
  if (severity !== 'info') return severity === 'critical' ? 'bad' : 'warning';
  return kind === 'success' || kind === 'report' ? 'good' : 'plain';
}

export function wordOf({ kind, severity }: Message): string {
  if (kind === 'problem') return severity === 'info' ? 'NOTICE' : severity.toUpperCase();
  if (kind === 'reminder') return severity === 'info' ? 'REMINDER' : `STILL ${severity.toUpperCase()}`;
  if (kind === 'report' && severity !== 'info') return `REPORT, ${severity.toUpperCase()}`;
  return kind.toUpperCase();
}

/** One line: a line feed in a subject would begin a header of its own. */
export function oneLine(text: string): string {
  return clean(text).replaceAll(/\s+/g, ' ').trim();
}

/** Never more than `bytes` of UTF-8, and never half a character. */
export function clipBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let kept = '';
  let size = Buffer.byteLength(' …');
  for (const character of text) {
    size += Buffer.byteLength(character);
    if (size > bytes) break;
    kept += character;
  }
  return `${kept} …`;
}

/** Never longer than `length`, and never half a character. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, Math.max(0, length - 2)).replace(/[\uD800-\uDBFF]$/, '')} …`;
}

/** Without secrets, without what moves a cursor or turns the direction of reading. */
export function clean(text: string): string {
  return withoutSecrets(text)
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '')
    .replaceAll(/[^\P{Cc}\n\t]|[\u202A-\u202E\u2066-\u2069\u2028\u2029]/gu, '')
    .toWellFormed()
    .trim();
}

/** Instance, source and time, as the message names them or as they are, and then the rest. */
function factsOf({ instance, source, at, facts }: Message): { name: string; value: string }[] {
  const named = (wanted: string) => facts.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  const head = [
    { name: 'Instance', value: instance },
    { name: 'Source', value: source ?? '' },
    { name: 'Time', value: `${at.slice(0, 16).replace('T', ' ')} UTC` },
  ].map((fact) => named(fact.name) ?? fact);
  return [...head, ...facts.filter((fact) => !head.includes(fact))];
}
