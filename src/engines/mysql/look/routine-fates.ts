import type { Connection } from '../connect/connection.ts';
import type { CodeObject } from './objects.ts';
import { flavourOf } from '../connect/server-version.ts';

/**
 * What a swap does with a routine of the live database. `stays`: the restored one is the same, and nothing is done. `replaced`: exchanged by
 * one statement, which leaves everybody's rights to it. `remade`, `goes`: dropped, and with it the rights.
 */
export type RoutineFate = 'stays' | 'replaced' | 'remade' | 'goes';

/** Whether the server knows `CREATE OR REPLACE` for routines. MySQL does not. */
export async function replacesRoutines(session: Connection): Promise<boolean> {
  return flavourOf(await session.value('SELECT VERSION()')) === 'mariadb';
}

export function fateOf(
  routine: CodeObject,
  old: readonly CodeObject[],
  fresh: readonly CodeObject[],
  replaces: boolean,
): RoutineFate {
  const before = wholeOf(routine, old);
  const after = wholeOf(routine, fresh);
  if (before.every((each) => after.some((other) => equal(each, other))) && before.length === after.length)
    return 'stays';
  if (!after.some((each) => each.kind === routine.kind)) return 'goes';
  // A package that is replaced loses its body, and the former body does not fit the new package.
  return replaces && !isPackage(routine) ? 'replaced' : 'remade';
}

export function isRoutine({ kind }: Pick<CodeObject, 'kind'>): boolean {
  return /^(FUNCTION|PROCEDURE|LIBRARY|PACKAGE)/.test(kind);
}

export function sameRoutine(left: Named, right: Named): boolean {
  return left.kind === right.kind && sameName(left, right);
}

interface Named {
  kind: string;
  name: string;
}

/** A package and its body are one. */
function wholeOf(routine: CodeObject, code: readonly CodeObject[]): CodeObject[] {
  return code.filter((each) =>
    isPackage(routine) ? isPackage(each) && sameName(each, routine) : sameRoutine(each, routine),
  );
}

function isPackage({ kind }: CodeObject): boolean {
  return kind.startsWith('PACKAGE');
}

/** Routines are called without regard to capitals. */
function sameName(left: Named, right: Named): boolean {
  return left.name.toLowerCase() === right.name.toLowerCase();
}

function equal(left: CodeObject, right: CodeObject): boolean {
  const same = (key: 'kind' | 'create' | 'settings' | 'collation') => left[key] === right[key];
  return same('kind') && same('create') && same('settings') && same('collation');
}
