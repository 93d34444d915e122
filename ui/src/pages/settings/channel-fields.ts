import { textAt, valueAt, type Change, type Path } from './fields.ts';

export const kinds = ['email', 'teams', 'slack', 'discord', 'telegram', 'ntfy', 'webhook', 'ping'] as const;
export type Kind = (typeof kinds)[number];

/** The words of a field stand under `settings.channelFields`. */
const names = {
  from: ['from'],
  to: ['to'],
  host: ['smtp', 'host'],
  port: ['smtp', 'port'],
  tls: ['smtp', 'tls'],
  user: ['smtp', 'user'],
  password: ['smtp', 'password'],
  url: ['url'],
  token: ['token'],
  chat: ['chat'],
  server: ['server'],
  topic: ['topic'],
  secret: ['secret'],
} as const satisfies Record<string, readonly string[]>;
export type FieldName = keyof typeof names;

interface ChannelField {
  readonly name: FieldName;
  /** A secret goes in and never comes out; left empty, it stays as it is. */
  readonly form: 'text' | 'number' | 'list' | 'secret' | 'tls';
  readonly required: boolean;
}

const required = (name: FieldName, form: ChannelField['form'] = 'text'): ChannelField => ({
  name,
  form,
  required: true,
});
const optional = (name: FieldName, form: ChannelField['form'] = 'text'): ChannelField => ({
  name,
  form,
  required: false,
});

/** What can be set here of each kind; the rest stands in the file and stays. */
export const fieldsOf: Readonly<Record<Kind, readonly ChannelField[]>> = {
  email: [
    required('from'),
    required('to', 'list'),
    required('host'),
    optional('port', 'number'),
    optional('tls', 'tls'),
    optional('user'),
    optional('password', 'secret'),
  ],
  teams: [required('url', 'secret')],
  slack: [required('url', 'secret')],
  discord: [required('url', 'secret')],
  telegram: [required('token', 'secret'), required('chat')],
  ntfy: [required('topic'), optional('server'), optional('token', 'secret')],
  webhook: [required('url', 'secret'), optional('secret', 'secret')],
  ping: [required('url', 'secret')],
};

/** What the form holds; empty text is none. */
export interface ChannelDraft {
  kind: Kind;
  name: string;
  level: string;
  sources: readonly string[];
  fields: Readonly<Partial<Record<FieldName, string | readonly string[]>>>;
}

export function isKind(text: string): text is Kind {
  return kinds.some((kind) => kind === text);
}

export function newDraft(kind: Kind): ChannelDraft {
  return { kind, name: '', level: '', sources: [], fields: {} };
}

/** Null where it is of a kind that is not known here: the program may be newer. */
export function draftOfChannel(channel: unknown): ChannelDraft | null {
  const kind = textAt(channel, ['type']);
  if (!isKind(kind)) return null;
  const fields = fieldsOf[kind].map(({ name, form }): [FieldName, string | readonly string[]] => {
    if (form === 'secret') return [name, ''];
    const value = valueAt(channel, names[name]);
    return [name, form === 'list' ? listOf(value) : textAt(channel, names[name])];
  });
  return {
    kind,
    name: textAt(channel, ['name']),
    level: textAt(channel, ['level']),
    sources: listOf(valueAt(channel, ['sources'])),
    fields: Object.fromEntries(fields),
  };
}

/** Whether a secret is there already, which is then kept when nothing is typed. */
export function hasSecret(channel: unknown, name: FieldName): boolean {
  return textAt(channel, names[name]) !== '';
}

export function isWhole({ kind, fields }: ChannelDraft, channel: unknown): boolean {
  return fieldsOf[kind].every(
    (field) =>
      !field.required ||
      (fields[field.name] ?? '').length > 0 ||
      (field.form === 'secret' && hasSecret(channel, field.name)),
  );
}

/** What is different from what stands there, each setting by itself: so nothing has to be sent that is secret. */
export function channelChanges(at: number, draft: ChannelDraft, channel: unknown): Change[] {
  const before = draftOfChannel(channel);
  const all: { path: Path; now: string | readonly string[]; was: string | readonly string[]; number: boolean }[] = [
    { path: ['name'], now: draft.name, was: before?.name ?? '', number: false },
    { path: ['level'], now: draft.level, was: before?.level ?? '', number: false },
    { path: ['sources'], now: draft.sources, was: before?.sources ?? [], number: false },
    ...fieldsOf[draft.kind].map(({ name, form }) => ({
      path: names[name],
      now: draft.fields[name] ?? (form === 'list' ? [] : ''),
      was: before?.fields[name] ?? (form === 'list' ? [] : ''),
      number: form === 'number',
    })),
  ];
  const changes = all.flatMap(({ path, now, was, number }): Change[] => {
    if (JSON.stringify(now) === JSON.stringify(was)) return [];
    const value = written(now, number);
    return value === null && before === null ? [] : [{ path: [...path], value }];
  });
  const place = ['alerts', 'channels', at];
  if (before !== null) return changes.map(({ path, value }) => ({ path: [...place, ...path], value }));
  const whole: Record<string, unknown> = { type: draft.kind };
  for (const { path, value } of changes) put(whole, path, value);
  return [{ path: place, value: whole }];
}

function put(into: Record<string, unknown>, [first = '', second]: Change['path'], value: unknown): void {
  if (second === undefined) into[first] = value;
  else into[first] = { ...(into[first] as object | undefined), [second]: value };
}

function written(now: string | readonly string[], number: boolean): unknown {
  if (typeof now !== 'string') return now.length === 0 ? null : [...now];
  const text = now.trim();
  if (text === '') return null;
  return number && /^\d+$/.test(text) ? Number(text) : text;
}

/** As the server calls those that have no name. */
export function channelNames(channels: readonly unknown[]): string[] {
  const taken = new Set(channels.map((channel) => textAt(channel, ['name'])).filter((name) => name !== ''));
  return channels.map((channel) => {
    const name = textAt(channel, ['name']);
    if (name !== '') return name;
    const type = textAt(channel, ['type']);
    let free = type;
    for (let number = 2; taken.has(free); number += 1) free = `${type}-${number}`;
    taken.add(free);
    return free;
  });
}

function listOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' ? value.split(',').map((each) => each.trim()) : [];
}
