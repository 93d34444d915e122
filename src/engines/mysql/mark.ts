import { readMark } from '../shared/mark.ts';

/** The table that carries the mark as its comment, because databases have none here. It is never dumped, counted or moved. */
export const markTable = 'holdfast_scratch';
/** While databases are exchanged: in the live one it says so, in the one that is emptied it holds what there is to do. */
export const journalTable = 'holdfast_swap';

const journalPrefix = 'holdfast swap: ';
const swappingPrefix = `${journalPrefix}under way, `;

export function writeJournalComment(live: string): string {
  return `${journalPrefix}${live}`;
}

export interface Swapping {
  replacement: string;
  previous: string | null;
}

/** On the live database, where everybody who may back it up can see it. */
export function writeSwapping({ replacement, previous }: Swapping): string {
  return `${swappingPrefix}${JSON.stringify({ replacement, previous })}`;
}

export function readSwapping(comment: string | null): Swapping | null {
  if (!comment?.startsWith(swappingPrefix)) return null;
  try {
    const { replacement, previous } = JSON.parse(comment.slice(swappingPrefix.length)) as Partial<Swapping>;
    return { replacement: String(replacement), previous: typeof previous === 'string' ? previous : null };
  } catch {
    return null;
  }
}

/** A table of ours by its name and what is written on it: the operator may have one of the same name. */
export function isOurs(table: { name: string; comment: string | null }): boolean {
  if (table.name === markTable) return readMark(table.comment) !== null;
  return table.name === journalTable && (table.comment?.startsWith(journalPrefix) ?? false);
}
