import { damaged } from './errors.ts';
import type { Session } from './session.ts';

/** Lets SQLite look through the open file, and fails with what it found first. */
export async function expectWhole(
  session: Session,
  path: string,
  options: { quick: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { problems } = await session.ask('integrity', options, signal);
  const [first, ...more] = problems;
  if (first === undefined) return;
  throw damaged(path, more.length === 0 ? first : `${first}; and ${more.length} more`);
}
