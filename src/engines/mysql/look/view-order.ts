import { quoteIdent } from '../connect/names.ts';

export interface ViewText {
  name: string;
  /** As the server shows it: every name in backticks, joins by that word. */
  text: string;
}

/**
 * A view after those it reads, otherwise in the order given: over a view that is only a placeholder yet, the server makes none that
 * checks what is written through it, and over one that is not there none at all.
 */
export function inOrderOfReading<View extends ViewText>(views: readonly View[], databases: readonly string[]): View[] {
  const named = new Map(views.map((view) => [view.name, view]));
  const left = new Set(views);
  const sorted: View[] = [];
  const take = (view: View) => {
    if (!left.delete(view)) return;
    for (const name of readBy(view.text, databases)) {
      const other = named.get(name);
      if (other) take(other);
    }
    sorted.push(view);
  };
  for (const view of views) take(view);
  return sorted;
}

const string = /'(?:[^'\\]|\\[\s\S]|'')*'/;
const identifier = /`(?:[^`]|``)*`/;
/** Columns, aliases and texts may be called like a view: what is read stands behind one of two words. */
const reading = new RegExp(
  `${string.source}|\\b(?:from|(?:straight_)?join)[\\s(]*(${identifier.source})(?:\\.(${identifier.source}))?|${identifier.source}`,
  'gi',
);

function readBy(text: string, databases: readonly string[]): Set<string> {
  const own = new Set(databases.map(quoteIdent));
  const names = new Set<string>();
  for (const [, first, second] of text.matchAll(reading)) {
    const name = second === undefined ? first : first !== undefined && own.has(first) ? second : undefined;
    if (name !== undefined) names.add(name.slice(1, -1).replaceAll('``', '`'));
  }
  return names;
}
