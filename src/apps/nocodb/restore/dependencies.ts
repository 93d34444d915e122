import type { Column } from '../tree-format.ts';

export interface Placed {
  table: string;
  column: Column;
}

/**
 * Computed columns, each after those it is computed from: a lookup may look up a rollup of another table's formula. What goes round in a
 * circle comes last, in its order.
 */
export function inOrderOfUse(columns: readonly Placed[]): Placed[] {
  const waiting = new Map(columns.map((placed) => [placed.column.id, placed]));
  const needs = new Map(columns.map((placed) => [placed.column.id, usedBy(placed.column, waiting)]));
  const done: Placed[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(({ column }) =>
      (needs.get(column.id) ?? []).every((id) => !waiting.has(id)),
    );
    const next = ready.length === 0 ? [...waiting.values()] : ready;
    for (const placed of next) {
      done.push(placed);
      waiting.delete(placed.column.id);
    }
  }
  return done;
}

function usedBy({ id, colOptions }: Column, known: ReadonlyMap<string, Placed>): string[] {
  const text = JSON.stringify(colOptions ?? {});
  return [...known.keys()].filter((other) => other !== id && text.includes(other));
}
