import type { People } from './people.ts';

export interface Written {
  value: unknown;
  /** What of it could not be kept, and why. */
  lost: string | null;
}

/** A value as it was read, in the shape in which NocoDB takes it. */
export function writable(
  value: unknown,
  uidt: string,
  { people, jsonIsText }: { people: People; jsonIsText: boolean },
): Written {
  if (value === null || value === undefined) return whole(null);
  switch (uidt) {
    case 'Checkbox':
      return whole(isTrue(value));
    case 'JSON':
      // SQLite keeps the text of it; of PostgreSQL it comes parsed, so that a text is the text itself and needs its quotes again.
      return whole(jsonIsText && typeof value === 'string' ? value : JSON.stringify(value));
    case 'User':
      return peopleValue(value, people);
    default:
      return whole(value);
  }
}

function peopleValue(value: unknown, people: People): Written {
  const wanted = emails(value);
  const members = wanted.flatMap((email) => {
    const id = people.get(email.toLowerCase());
    return id === undefined ? [] : [{ id }];
  });
  const missing = wanted.filter((email) => !people.has(email.toLowerCase()));
  return {
    value: members.length === 0 ? null : members,
    lost: missing.length === 0 ? null : `${missing.join(', ')} is no member of the base`,
  };
}

/** Only those whom the base knows: nobody else can be written. */
export function known(value: unknown, people: People): { email: string }[] {
  if (value === null || value === undefined) return [];
  return emails(value)
    .filter((email) => people.has(email.toLowerCase()))
    .map((email) => ({ email }));
}

/** Of `[{id, email, display_name}]`, of one such object, of a text. */
function emails(value: unknown): string[] {
  if (typeof value === 'string') return value.split(',').map((each) => each.trim());
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((each) => {
    const email = (each as { email?: unknown } | null)?.email;
    return typeof email === 'string' ? [email] : [];
  });
}

/**
 * The same value in the same words, whichever database it was read from: SQLite says `1` for true and the text of a JSON, PostgreSQL says
 * them as they are. Files are told by their titles and sizes, people by their addresses.
 */
export function comparable(value: unknown, uidt: string, jsonIsText: boolean): string {
  if (uidt === 'Checkbox') return isTrue(value) ? 'true' : 'false';
  if (value === null || value === undefined || value === '') return '';
  switch (uidt) {
    case 'JSON':
      return jsonText(value, jsonIsText);
    case 'User':
      return emails(value)
        .map((email) => email.toLowerCase())
        .toSorted()
        .join(',');
    case 'Attachment':
      return attachments(value);
    case 'DateTime':
      return moment(value);
    default:
      if (typeof value === 'object') return canonical(value);
      return numeric.has(uidt) ? withoutZeros(`${value as string | number}`) : `${value as string | number}`;
  }
}

function jsonText(value: unknown, isText: boolean): string {
  if (!isText || typeof value !== 'string') return canonical(value);
  try {
    return canonical(JSON.parse(value));
  } catch {
    return value;
  }
}

function attachments(value: unknown): string {
  const list: unknown = typeof value === 'string' ? parsed(value) : value;
  if (!Array.isArray(list)) return '';
  return (list as { title?: unknown; size?: unknown }[])
    .map(({ title, size }) =>
      JSON.stringify([title ?? null, size === undefined || size === null ? null : Number(size)]),
    )
    .join(',');
}

function moment(value: unknown): string {
  const text = String(value);
  // Without a zone it is the same moment for NocoDB, which means UTC.
  const at = Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(at) ? text : new Date(at).toISOString();
}

/** PostgreSQL gives some numbers as texts, with as many places as the column has. */
const numeric = new Set([
  'Number',
  'Decimal',
  'Currency',
  'Percent',
  'Rating',
  'Duration',
  'Year',
  'AutoNumber',
  'ForeignKey',
]);

function withoutZeros(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text;
}

/** PostgreSQL orders the keys of an object in its own way. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : each,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true';
}

function whole(value: unknown): Written {
  return { value, lost: null };
}
