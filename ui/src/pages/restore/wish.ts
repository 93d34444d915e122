import type { CallOf, ResponseOf, Routes } from '../../../../src/api/contract.ts';
import type { Saved } from '../../parts/saved.ts';

export type Plan = ResponseOf<Routes['planRestore']>;

/** What somebody is about to restore, as the form holds it. */
export interface Wish {
  source: string;
  id: string;
  /** Which part of the backup. */
  what: 'all' | 'database' | 'files' | 'schema' | 'records' | 'attachments';
  /** Names of folders; none: all. */
  trees: readonly string[];
  /** Titles of bases and of tables in them; none: all. */
  bases: readonly string[];
  baseTables: readonly string[];
  /** The base to fill instead of the one in the backup. */
  intoBase: string;
  skipExisting: boolean;
  withAttachments: boolean;
  target: 'live' | 'other' | 'in-place' | 'parts';
  /** The other database. */
  into: string;
  /** Tables and schemas, as `partValue` writes them. */
  parts: readonly string[];
  owners: 'keep' | 'none';
  sessions: 'disconnect' | 'refuse';
  keepOld: boolean;
  safetyBackup: boolean;
  /** Codes of guards that were lifted. */
  allow: readonly string[];
  /** Of the backup, for this restore only; empty where the server knows it. */
  password: string;
}

export function newWish(source: string, id: string): Wish {
  return {
    source,
    id,
    what: 'all',
    ...noParts,
    target: 'live',
    into: '',
    parts: [],
    owners: 'keep',
    sessions: 'disconnect',
    keepOld: false,
    safetyBackup: true,
    allow: [],
    password: '',
  };
}

const noParts = {
  trees: [],
  bases: [],
  baseTables: [],
  intoBase: '',
  skipExisting: false,
  withAttachments: false,
} satisfies Partial<Wish>;

/** What a choice of another backup leaves of a wish. */
export function withBackup(wish: Wish, id: string): Wish {
  return { ...wish, id, ...noParts, parts: [], allow: [] };
}

/** What can be brought back of a backup, the usual first. */
export function offersOf({ database, trees, app }: Saved): Wish['what'][] {
  const offers: Wish['what'][] = [];
  if (database) offers.push('all');
  if (database && trees.length > 0) offers.push('database');
  if (trees.length > 0) offers.push('files');
  if (app && app.bases.length > 0) offers.push('schema', 'records', 'attachments');
  return offers.length === 0 ? ['all'] : offers;
}

/** Where to, the usual first; not every database can be restored in its place, or in parts. */
export function targetsOf(inPlace: boolean): Wish['target'][] {
  return inPlace ? ['live', 'other', 'in-place', 'parts'] : ['live', 'other'];
}

/** Only what the backup holds and its database can do can be wished for. */
export function fitted(wish: Wish, saved: Saved, inPlace: boolean): Wish {
  const offers = offersOf(saved);
  const what = offers.includes(wish.what) ? wish.what : (offers[0] ?? 'all');
  const target = targetsOf(inPlace).includes(wish.target) ? wish.target : 'live';
  return what === wish.what && target === wish.target ? wish : { ...wish, what, target };
}

export function kindOf({ what }: Pick<Wish, 'what'>): Plan['what'] {
  if (what === 'files') return 'files';
  return what === 'all' || what === 'database' ? 'database' : 'bases';
}

/** Whether enough is said to look at what it would do. */
export function isComplete({ source, id, what, target, into, parts }: Wish): boolean {
  if (source === '' || id === '') return false;
  if (kindOf({ what }) !== 'database') return true;
  if (target === 'other') return into.trim() !== '';
  return target !== 'parts' || parts.length > 0;
}

export function bodyOf(wish: Wish): CallOf<Routes['planRestore']>['body'] {
  const { source, id, what, target, into, parts, owners, sessions, keepOld, safetyBackup, allow, password } = wish;
  const known = { source, id, what, ...(password === '' ? {} : { password }) };
  const kind = kindOf(wish);
  if (kind === 'files') return { ...known, trees: [...wish.trees], keepOld, safetyBackup };
  if (kind === 'bases') {
    const title = wish.intoBase.trim();
    return {
      ...known,
      bases: [...wish.bases],
      baseTables: [...wish.baseTables],
      intoBase: what === 'attachments' || title === '' ? null : title,
      skipExisting: what !== 'attachments' && wish.skipExisting,
      withAttachments: what === 'records' && wish.withAttachments,
    };
  }
  const chosen = target === 'parts' ? parts.map(readPart) : [];
  return {
    ...known,
    into: target === 'other' ? into.trim() : null,
    inPlace: target === 'in-place',
    tables: chosen.flatMap(({ schema, name }) => (name === null ? [] : [{ schema, name }])),
    schemas: chosen.flatMap(({ schema, name }) => (name === null ? [schema] : [])),
    owners,
    sessions,
    keepOld: target === 'live' && keepOld,
    safetyBackup: target !== 'other' && safetyBackup,
    allow: [...allow],
  };
}

export interface Lift {
  /** The word on its button. */
  word: 'inPlace' | 'noOwner' | 'disconnect' | 'allow';
  change: (wish: Wish) => Wish;
}

/** What the command line would be told to lift a guard, as something to press. */
export function liftOf(override: string | null): Lift | null {
  if (override === '--in-place') return { word: 'inPlace', change: (wish) => ({ ...wish, target: 'in-place' }) };
  if (override === '--no-owner') return { word: 'noOwner', change: (wish) => ({ ...wish, owners: 'none' }) };
  if (override === '--if-connected disconnect')
    return { word: 'disconnect', change: (wish) => ({ ...wish, sessions: 'disconnect' }) };
  const code = override?.match(/^--allow (\S+)$/)?.[1];
  if (code === undefined) return null;
  return { word: 'allow', change: (wish) => ({ ...wish, allow: [...new Set([...wish.allow, code])] }) };
}

/** Names may hold any character, so they are told apart by more than a dot. */
export function partValue(schema: string, name: string | null): string {
  return JSON.stringify(name === null ? [schema] : [schema, name]);
}

export function readPart(value: string): { schema: string; name: string | null } {
  const [schema = '', name = null] = JSON.parse(value) as [string?, string?];
  return { schema, name };
}

interface Tables {
  database?: { tables?: readonly { schema: string; name: string; rows: number | null }[] } | null;
}

/** What of a backup can be restored by itself: its schemas, each with its tables. */
export function partsIn(manifest: unknown): { schema: string; tables: { name: string; rows: number | null }[] }[] {
  const tables = (manifest as Tables | null)?.database?.tables ?? [];
  const schemas = [...new Set(tables.map(({ schema }) => schema))].toSorted();
  return schemas.map((schema) => ({
    schema,
    tables: tables
      .filter((table) => table.schema === schema)
      .map(({ name, rows }) => ({ name, rows }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }));
}
