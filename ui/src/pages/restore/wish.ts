import type { CallOf, ResponseOf, Routes } from '../../../../src/api/contract.ts';

export type Plan = ResponseOf<Routes['planRestore']>;

/** What somebody is about to restore, as the form holds it. */
export interface Wish {
  source: string;
  id: string;
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

/** Whether enough is said to look at what it would do. */
export function isComplete({ source, id, target, into, parts }: Wish): boolean {
  if (source === '' || id === '') return false;
  if (target === 'other') return into.trim() !== '';
  return target !== 'parts' || parts.length > 0;
}

export function bodyOf(wish: Wish): CallOf<Routes['planRestore']>['body'] {
  const { source, id, target, into, parts, owners, sessions, keepOld, safetyBackup, allow, password } = wish;
  const chosen = target === 'parts' ? parts.map(readPart) : [];
  return {
    source,
    id,
    into: target === 'other' ? into.trim() : null,
    inPlace: target === 'in-place',
    tables: chosen.flatMap(({ schema, name }) => (name === null ? [] : [{ schema, name }])),
    schemas: chosen.flatMap(({ schema, name }) => (name === null ? [schema] : [])),
    owners,
    sessions,
    keepOld: target === 'live' && keepOld,
    safetyBackup: target !== 'other' && safetyBackup,
    allow: [...allow],
    ...(password === '' ? {} : { password }),
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
