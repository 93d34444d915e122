import type { Connection } from '../connect/connection.ts';
import { journalTable, writeJournalComment } from '../look/mark.ts';
import { quoteIn, quoteLiteral } from '../connect/names.ts';
import type { Move, Step, SwapNames } from './plan.ts';

/** In the database that is emptied and dropped in the end: all there is to do, what takes each of it back, and how far it has come. */
export async function writeJournal(
  session: Connection,
  { live, replacement }: SwapNames,
  steps: readonly Step[],
): Promise<void> {
  const table = quoteIn(replacement, journalTable);
  await session.rows(
    `CREATE TABLE ${table} (position INT PRIMARY KEY, in_database VARCHAR(64), settings TEXT, statement LONGTEXT,
       take_back LONGTEXT, creates VARCHAR(64), moves LONGTEXT, done BOOLEAN NOT NULL DEFAULT FALSE)
     DEFAULT CHARSET=utf8mb4 COMMENT=${quoteLiteral(writeJournalComment(live))}`,
  );
  for (const { position, database, settings, statement, undo, creates, moves } of steps) {
    const values = [position, database, settings, statement, undo, creates, moves && JSON.stringify(moves)];
    await session.rows(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, FALSE)`, values);
  }
}

/** After the step, or after it was taken back: of one step, whoever was killed in between cannot have said it. */
export async function noteDone(
  session: Connection,
  { replacement }: SwapNames,
  { position }: Step,
  done: boolean,
): Promise<void> {
  await session.rows(`UPDATE ${quoteIn(replacement, journalTable)} SET done = ? WHERE position = ?`, [done, position]);
}

export async function readJournal(
  session: Connection,
  { replacement }: SwapNames,
): Promise<{ steps: Step[]; done: number }> {
  const rows = await session.rows<Row>(`SELECT * FROM ${quoteIn(replacement, journalTable)} ORDER BY position`);
  const steps = rows.map(({ position, in_database, settings, statement, take_back, creates, moves }): Step => ({
    position,
    creates,
    database: in_database,
    settings,
    statement,
    undo: take_back,
    moves: moves === null ? null : (JSON.parse(moves) as Move[]),
  }));
  return { steps, done: rows.filter(({ done }) => Number(done) === 1).length };
}

interface Row {
  position: number;
  in_database: string | null;
  settings: string | null;
  statement: string;
  take_back: string | null;
  creates: string | null;
  moves: string | null;
  done: number | string;
}
