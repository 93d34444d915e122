import { median, type Measured } from './measure.ts';

export type Contender = 'limit' | 'gzip' | 'pg_dump -Fc' | 'zstd:5' | 'directory' | 'custom';
export type Restorer = 'pg_restore directory' | 'directory' | 'pg_restore custom' | 'custom';

export interface Taken extends Measured {
  bytes?: number;
  /** The structure check after a backup; all of a restore that is not loading. */
  apart?: number;
  /** Seconds of what it is measured beside, right before and right after it, on average. */
  beside?: number;
}

/**
 * Everyone takes a turn in each round, and each round begins with another one, so that no one always has the warm or the tired machine. Who
 * is measured beside another has that one's turns right before and right after its own: a machine that is slower for a minute is so for both.
 */
export async function rounds<Who extends string>(
  runs: number,
  all: readonly Who[],
  turn: (who: Who, last: boolean) => Promise<Taken>,
  signal: AbortSignal,
  beside: Partial<Readonly<Record<Who, Who>>> = {},
): Promise<Map<Who, Taken[]>> {
  const results = new Map<Who, Taken[]>(all.map((who) => [who, []]));
  const limits = new Set<Who | undefined>(all.map((who) => beside[who]));
  const turns = all.filter((who) => !limits.has(who));
  for (let round = 0; round < runs; round += 1) {
    const take = async (who: Who) => {
      signal.throwIfAborted();
      const taken = await turn(who, round === runs - 1);
      results.get(who)?.push(taken);
      say(`round ${round + 1}  ${who.padEnd(21)} ${taken.seconds.toFixed(2)} s`);
      return taken;
    };
    for (const who of turns.map((_, at) => turns[(at + round) % turns.length] as Who)) {
      const limit = beside[who];
      if (limit === undefined) {
        await take(who);
        continue;
      }
      const before = await take(limit);
      const taken = await take(who);
      const after = await take(limit);
      taken.beside = (before.seconds + after.seconds) / 2;
    }
  }
  return results;
}

/** The median of what the turns took in proportion to their neighbours. */
export function ratioOf(taken: readonly Taken[]): number {
  return median(taken.map(({ seconds, beside = Number.NaN }) => seconds / beside));
}

export function say(text: string): void {
  console.error(text);
}
