import type { RunView } from '../../../../src/api/contract.ts';

export interface Difference {
  name: string;
  expected: string | null;
  actual: string | null;
  reason: 'missing' | 'rows' | 'content' | 'position';
}

/** What a restored database was compared with. */
export interface Compared {
  tables: number;
  uncounted: number;
  /** Tables whose content was compared, too. */
  contents: number;
  /** Tables whose content has a digest that could not be made again. */
  contentUnknown: number;
  rows: number;
  sequences: number;
  differences: Difference[];
}

/** What is read of the result of a run; each operation has its own, and a newer program may say more or less. */
export interface Result {
  target: string | null;
  /** Under which name the database from before is kept. */
  previous: string | null;
  /** Of an undo: under which name the restored one is kept. */
  kept: string | null;
  undone: string | null;
  safety: string | null;
  bytes: number | null;
  warnings: string[];
  compared: Compared | null;
  /** Folders that came back, and under which name what was there is kept. */
  files: { name: string; target: string; previous: string | null }[];
  /** What was rebuilt through the API of an application. */
  tables: { base: string; table: string; expected: number; restored: number; attachments: number }[];
  /** What could not be: the first of them, a line each. */
  lost: string[];
  lostCount: number;
}

const mostLost = 100;

export function resultOf({ result }: Pick<RunView, 'result'>): Result {
  const said = isObject(result) ? result : {};
  const warnings = Array.isArray(said['warnings']) ? said['warnings'].filter((each) => typeof each === 'string') : [];
  return {
    target: text(said['target']),
    previous: text(said['previous']),
    kept: text(said['kept']),
    undone: text(said['undone']),
    safety: text(said['safety']),
    bytes: number(said['bytes']),
    warnings,
    compared: comparedIn(said),
    files: list(said['files']).flatMap((each) => {
      const [name, target] = [text(each['name']), text(each['target'])];
      return name === null || target === null ? [] : [{ name, target, previous: text(each['previous']) }];
    }),
    tables: list(said['tables']).map((each) => ({
      base: text(each['base']) ?? '',
      table: text(each['table']) ?? '',
      expected: number(each['expected']) ?? 0,
      restored: number(each['restored']) ?? 0,
      attachments: number(each['attachments']) ?? 0,
    })),
    lost: list(said['lost'])
      .slice(0, mostLost)
      .map((each) => [each['where'], each['what'], each['reason']].map((part) => text(part) ?? '').join(': ')),
    lostCount: number(said['lostCount']) ?? 0,
  };
}

function comparedIn({ tables, sequences }: Record<string, unknown>): Compared | null {
  if (!isObject(tables) || !isObject(sequences) || number(tables['compared']) === null) return null;
  return {
    tables: number(tables['compared']) ?? 0,
    uncounted: number(tables['uncounted']) ?? 0,
    contents: number(tables['fingerprints']) ?? 0,
    contentUnknown: number(tables['contentUnknown']) ?? 0,
    rows: number(tables['rows']) ?? 0,
    sequences: number(sequences['compared']) ?? 0,
    differences: [
      ...list(tables['mismatched']).map((each) => difference(each, reasonOf(each['reason']))),
      ...list(sequences['mismatched']).map((each) =>
        difference(each, each['actual'] === null ? 'missing' : 'position'),
      ),
    ],
  };
}

function difference(each: Record<string, unknown>, reason: Difference['reason']): Difference {
  const { schema, name, expected, actual } = each;
  return {
    name: [text(schema), text(name)].filter(Boolean).join('.'),
    expected: shown(expected),
    actual: shown(actual),
    reason,
  };
}

function reasonOf(said: unknown): Difference['reason'] {
  return said === 'missing' || said === 'content' ? said : 'rows';
}

/** A restore of the live database that can be taken back: nobody has done so yet, as far as these runs tell. */
export function canBeUndone(run: RunView, runs: readonly RunView[]): boolean {
  if (run.operation !== 'restore' || run.state !== 'succeeded' || resultOf(run).previous === null) return false;
  const restores = runs.filter((each) => {
    return each.operation === 'restore' && each.state === 'succeeded' && each.source === run.source;
  });
  const undone = new Set(restores.map((each) => resultOf(each).undone));
  // The server goes back behind the newest one first.
  const next = restores.find((each) => resultOf(each).previous !== null && !undone.has(each.id));
  return (next?.id ?? run.id) === run.id && !undone.has(run.id);
}

/** `shop on db:5432 as shop`: the name is what stands before the rest, and may hold anything itself. */
export function databaseIn(target: string | null): string | null {
  return target?.match(/^(.+) on .+ as .+$/s)?.[1] ?? null;
}

/** How long it took, or has taken so far. */
export function secondsOf({ startedAt, finishedAt }: Pick<RunView, 'startedAt' | 'finishedAt'>, now: Date): number {
  const end = finishedAt === null ? now.getTime() : Date.parse(finishedAt);
  return Math.max(0, (end - Date.parse(startedAt)) / 1000);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function shown(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
