import { readMark } from '../../shared/mark.ts';
import { quoteIn, quoteLiteral } from '../connect/names.ts';

/** The table that carries the mark as its comment, because databases have none here. It is never dumped, counted or moved. */
export const markTable = 'holdfast_scratch';
/** While databases are exchanged: in the live one it says so, in the one that is emptied it holds what there is to do. */
export const journalTable = 'holdfast_swap';

/** Names the events that do not wake up with a swap: those that were switched off, as on a replica, before we did it to the others. */
export const asleepTable = 'holdfast_events';

const asleepComment = 'holdfast events: these were switched off before';
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
  if (table.name === asleepTable) return table.comment === asleepComment;
  return table.name === journalTable && (table.comment?.startsWith(journalPrefix) ?? false);
}

/** The statements that note them down in a database; none where there are none. */
export function asleepStatements(database: string, events: readonly string[]): string[] {
  if (events.length === 0) return [];
  const table = quoteIn(database, asleepTable);
  return [
    `CREATE TABLE ${table} (name VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY) DEFAULT CHARSET=utf8mb4 COMMENT=${quoteLiteral(asleepComment)}`,
    `INSERT INTO ${table} VALUES ${events.map((name) => `(${quoteLiteral(name)})`).join(', ')}`,
  ];
}
