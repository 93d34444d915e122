import type { Measured } from './measure.ts';

export type Contender = 'limit' | 'gzip' | 'pg_dump -Fc' | 'zstd:5' | 'directory' | 'custom';
export type Restorer = 'pg_restore directory' | 'directory' | 'pg_restore custom' | 'custom';

export interface Taken extends Measured {
  bytes?: number;
  /** The structure check after a backup; all of a restore that is not loading. */
  apart?: number;
}

/** Everyone takes a turn in each round, and each round begins with another one, so that no one always has the warm or the tired machine. */
export async function rounds<Who extends string>(
  runs: number,
  all: readonly Who[],
  turn: (who: Who, last: boolean) => Promise<Taken>,
  signal: AbortSignal,
): Promise<Map<Who, Taken[]>> {
  const results = new Map<Who, Taken[]>(all.map((who) => [who, []]));
  for (let round = 0; round < runs; round += 1) {
    const order = all.map((_, at) => all[(at + round) % all.length] as Who);
    for (const who of order) {
      signal.throwIfAborted();
      const taken = await turn(who, round === runs - 1);
      results.get(who)?.push(taken);
      say(`round ${round + 1}  ${who.padEnd(21)} ${taken.seconds.toFixed(2)} s`);
    }
  }
  return results;
}

export function say(text: string): void {
  console.error(text);
}
