import type { Column } from '../tree-format.ts';
import { option } from './column-kinds.ts';
import type { Ids } from './ids.ts';

/**
 * The text of a formula for the restored table. NocoDB does not follow a renamed field in the text people wrote (`formula_raw`), only in
 * the one it computes with (`formula`), where fields are ids. So the written one is taken while it still names every field that is
 * used, and otherwise the computed one with titles for its ids, or with the new ids where a title would end the braces.
 */
export function formulaFor(column: Column, ids: Ids, titles: ReadonlyMap<string, string>): string {
  const written = option(column, 'formula_raw');
  const computed = option(column, 'formula');
  if (computed === null) return written ?? '';
  const used = [...computed.matchAll(/\{\{([^{}]+)\}\}/g)].map(([, id]) => id ?? '');
  if (written !== null && names(written, used, titles)) return written;
  return computed.replaceAll(/\{\{([^{}]+)\}\}/g, (whole, id: string) => {
    const title = titles.get(id);
    if (title !== undefined && !/[{}]/.test(title)) return `{${title}}`;
    const now = ids.get(id);
    return now === undefined ? whole : `{{${now}}}`;
  });
}

/** Whether a written formula names all fields that are used, and nothing else in braces. */
function names(written: string, used: readonly string[], titles: ReadonlyMap<string, string>): boolean {
  const wanted = used.map((id) => titles.get(id));
  const braced = [...written.matchAll(/\{([^{}]+)\}/g)].map(([, title]) => title);
  return (
    wanted.every((title) => title !== undefined && written.includes(title)) &&
    braced.every((title) => wanted.includes(title))
  );
}
