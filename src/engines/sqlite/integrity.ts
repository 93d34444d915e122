import { damaged } from './errors.ts';
import type { Session } from './session.ts';

/** Lets SQLite look through the open file, and fails with what it found first. Returns warnings. */
export async function expectWhole(
  session: Session,
  path: string,
  options: { quick: boolean },
  signal: AbortSignal,
): Promise<string[]> {
  const { problems, stale } = await session.ask('integrity', options, signal);
  const [first, ...more] = problems;
  if (first === undefined) return stale.map(describeStale);
  throw damaged(path, more.length === 0 ? first : `${first}; and ${more.length} more`);
}

function describeStale(said: string): string {
  return `a full-text index does not fit the text it is of (${said}); all rows are there, and the command 'rebuild' of that index makes it anew`;
}
