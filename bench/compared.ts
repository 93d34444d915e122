import { memoryFinding } from './backup-findings.ts';
import { median } from './measure.ts';
import type { Finding } from './report.ts';
import { ratioOf, type Taken } from './rounds.ts';

export interface Comparison<Who extends string> {
  group: string;
  names: Readonly<Record<Who, string>>;
  results: ReadonlyMap<Who, Taken[]>;
}

export interface Bound<Who extends string> {
  ours: Who;
  beside: Who;
  /** In a line of the report: `x mariadb-dump`. */
  words: string;
  most: number;
}

/** Who takes its turns between those of another, for `rounds`. */
export function besides<Who extends string>(bounds: readonly Bound<Who>[]): Partial<Record<Who, Who>> {
  const pairs = bounds.map(({ ours, beside }) => [ours, beside]);
  return Object.fromEntries(pairs) as Partial<Record<Who, Who>>;
}

/** A line for each, for ours with how it compares; and the memory of ours. There is one bound at most for each. */
export function comparedFindings<Who extends string>(
  { group, names, results }: Comparison<Who>,
  bounds: readonly Bound<Who>[],
): Finding[] {
  const seconds = (who: Who) => median((results.get(who) ?? []).map((taken) => taken.seconds));
  const lines = [...results].map(([who, taken]): Finding => {
    const bytes = taken.at(-1)?.bytes;
    const bound = bounds.find(({ ours }) => ours === who);
    return {
      group,
      name: names[who],
      seconds: seconds(who),
      ...(bytes === undefined ? {} : { bytes }),
      ...(bound ? judged(ratioOf(taken), bound) : {}),
    };
  });
  const own = bounds.map(({ ours }) => memoryFinding(group, `${names[ours]}: own memory`, results.get(ours) ?? []));
  return [...lines, ...own];
}

function judged(
  ratio: number,
  { words, most }: { words: string; most: number },
): Pick<Finding, 'measured' | 'bound' | 'ok'> {
  return { measured: `${ratio.toFixed(2)} ${words}`, bound: `<= ${most.toFixed(2)} ${words}`, ok: ratio <= most };
}
